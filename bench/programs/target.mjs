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

/** Prints how long the process has been running when its first connection is open, and for how much of that it used a processor. */
export function opened() {
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ millis: performance.now(), cpuMillis: (user + system) / 1000 }))
}

/** Opens a first connection, and says so. */
export async function open(client) {
  await client.connect()
  opened()
  await client.end()
}

/** What people write by hand; the SDK and pg come from whoever calls, since it is their loading that is measured. */
export async function fetchThenConnect({ GetClusterCredentialsCommand, RedshiftClient }, pg) {
  const redshift = new RedshiftClient({ region: 'us-west-2', ...aws })
  const { DbUser, DbPassword } = await redshift.send(
    new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice', DbName: 'dev' }),
  )
  await open(new pg.Client({ ...config, user: DbUser, password: DbPassword }))
  redshift.destroy()
}
