// The target of the other programs, which the bench passes in the environment. Its secrets are not real.
import { Socket } from 'node:net'

export const { host, port, database, ca, aws, user, password } = JSON.parse(process.env.BENCH_TARGET)

class GatewaySocket extends Socket {
  connect() {
    return super.connect({ host: '127.0.0.1', port })
  }
}

/** A configuration for pg. */
export const config = { host, port, database, ssl: { ca }, stream: () => new GatewaySocket() }

/** Prints the time from the start of the process to its first open connection, and the processor time until then. */
export function opened() {
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ millis: performance.now(), cpuMillis: (user + system) / 1000 }))
}

/** Opens the first connection, and prints its time. */
export async function open(client) {
  await client.connect()
  opened()
  await client.end()
}

/** Hand-written code. The caller loads the SDK and pg, because that is part of the measurement. */
export async function fetchThenConnect({ GetClusterCredentialsCommand, RedshiftClient }, pg) {
  const redshift = new RedshiftClient({ region: 'us-west-2', ...aws })
  const { DbUser, DbPassword } = await redshift.send(
    new GetClusterCredentialsCommand({ ClusterIdentifier: 'examplecluster', DbUser: 'alice', DbName: 'dev' }),
  )
  await open(new pg.Client({ ...config, user: DbUser, password: DbPassword }))
  redshift.destroy()
}
