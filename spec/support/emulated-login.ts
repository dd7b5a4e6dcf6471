import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import {
  GetClusterCredentialsCommand,
  type GetClusterCredentialsMessage,
  RedshiftClient,
} from '@aws-sdk/client-redshift'
import { RedshiftServerlessClient } from '@aws-sdk/client-redshift-serverless'
import pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'

// The SDK warns about Node versions that it will drop; the output of the specs is for results.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true'

/** The login that AWS returns. */
export interface Login {
  user: string
  password: string
  expiration: Date
}

/** The SDK's client for clusters, in the region of the emulator's default hosts. One attempt, so that a spec sees each failure. */
export function redshift(emulator: RedshiftEmulator, config: { region?: string } = {}): RedshiftClient {
  return new RedshiftClient({ region: 'us-west-2', maxAttempts: 1, ...emulator.aws, ...config })
}

/** The same for workgroups. */
export function serverless(emulator: RedshiftEmulator): RedshiftServerlessClient {
  return new RedshiftServerlessClient({ region: 'us-west-2', maxAttempts: 1, ...emulator.aws })
}

/** A login for the default cluster: by default of alice, with autoCreate, for every database. */
export async function fetchLogin(
  emulator: RedshiftEmulator,
  parameters: Partial<GetClusterCredentialsMessage> = {},
): Promise<Login> {
  const command = new GetClusterCredentialsCommand({
    ClusterIdentifier: 'examplecluster',
    DbUser: 'alice',
    AutoCreate: true,
    ...parameters,
  })
  const { DbUser, DbPassword, Expiration } = await redshift(emulator).send(command)
  if (!DbUser || !DbPassword || !Expiration) throw new Error('The response of AWS has no login.')
  return { user: DbUser, password: DbPassword, expiration: Expiration }
}

/** A connection with this login, which the caller ends. */
export async function connect(
  emulator: RedshiftEmulator,
  { user, password }: Pick<Login, 'user' | 'password'>,
  config: pg.ClientConfig = {},
): Promise<pg.Client> {
  const client = new pg.Client({ ...emulator.poolConfig(), user, password, ...config })
  client.on('error', () => {})
  await client.connect()
  return client
}

/** PostgreSQL's request for TLS. */
export const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/** A TLS connection to the emulator, before the start-up packet. */
export async function connectSecurely(
  { address: { host, port }, ca }: RedshiftEmulator,
  servername = 'localhost',
): Promise<TLSSocket> {
  const socket = connectTcp(port, host)
  socket.write(SSL_REQUEST)
  const [reply] = await once(socket, 'data')
  if (String(reply) !== 'S') throw new Error('The server refuses TLS.')
  const secured = connectTls({ socket, ca, servername })
  await once(secured, 'secureConnect')
  return secured
}
