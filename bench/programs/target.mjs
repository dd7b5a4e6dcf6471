// Where the other programs connect to: told by the bench in the environment, since there are no secrets but made-up ones.
import { Socket } from 'node:net'

export const { host, port, database, ca, aws, user, password } = JSON.parse(process.env.BENCH_TARGET)

class GatewaySocket extends Socket {
  connect() {
    return super.connect({ host: '127.0.0.1', port })
  }
}

/** A configuration of pg's own. */
export const config = { host, port, database, ssl: { ca }, stream: () => new GatewaySocket() }

/** Says how long the process has been running when its first connection is open. */
export const opened = () => console.log(JSON.stringify({ millis: performance.now() }))
