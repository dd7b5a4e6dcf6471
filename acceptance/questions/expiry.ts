import { setTimeout as sleep } from 'node:timers/promises'
import { RedshiftCredentials, RedshiftPool } from 'pg-redshift-iam'
import { NotAsked, type Question } from '../question.js'
import type { Login, Session } from '../session.js'
import type { Target } from '../target.js'
import { outcome } from './server.js'

/** What is kept until a login has expired: the login itself, a session, and a pool that has logged in once. */
interface Opened {
  readonly login: Login
  readonly open: RedshiftPool
  readonly pool: RedshiftPool
  readonly credentials: RedshiftCredentials
}

const bySession = new WeakMap<Session, Opened & { readonly at: number }>()

/** Opens what is kept until the expiry. The other questions run during the wait. */
export async function openBeforeExpiry(session: Session): Promise<void> {
  const { target } = session
  const credentials = credentialsFor(target)
  const open = poolFor(target, credentialsFor(target), { max: 1, idleTimeoutMillis: 0 })
  const pool = poolFor(target, credentials, { maxUses: 1 })
  try {
    await session.pace()
    await open.query('select 1')
    await session.pace()
    await pool.query('select 1')
    bySession.set(session, { login: await session.fetchLogin(), open, pool, credentials, at: performance.now() })
  } catch {
    // The other questions report the cause.
    await Promise.all([open.end(), pool.end()])
  }
}

/** Waits until half a minute after the logins have expired. */
async function expired(session: Session): Promise<Opened> {
  const opened = bySession.get(session)
  if (!opened) throw new NotAsked('no login was opened at the start')
  const { lifetimeMillis } = session
  const end = opened.at + lifetimeMillis + Math.min(30_000, lifetimeMillis / 4)
  await sleep(Math.max(0, end - performance.now()))
  return opened
}

const credentialsFor = ({ host, aws, dbUser, database }: Target): RedshiftCredentials =>
  new RedshiftCredentials({ host, aws, database, ...(dbUser !== undefined && { dbUser }) })

function poolFor(target: Target, redshift: RedshiftCredentials, options: object): RedshiftPool {
  const { host, dial, ca, database } = target
  const pool = new RedshiftPool({
    host: dial.host,
    port: dial.port,
    database,
    connectionTimeoutMillis: 60_000,
    ssl: { servername: host, ...(ca !== undefined && { ca }) },
    redshift,
    ...options,
  })
  pool.on('error', () => {})
  return pool
}

/** Whether this query works, on a new connection. */
export async function canQuery(session: Session, sql: string): Promise<boolean> {
  const pool = poolFor(session.target, credentialsFor(session.target), {})
  await session.pace()
  try {
    await pool.query(sql)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === '42P01') return false
    throw error
  } finally {
    await pool.end()
  }
}

/** What happens when a login expires. */
export const expiryQuestions: readonly Question[] = [
  {
    id: 'expired-login',
    asks: 'How does the server reject an expired login?',
    basis: 'transcripts',
    source: 'redshift-jdbc#97; AWS’s SageMaker client tests for the message',
    rule: {
      text: 'An expired login is a refusal, so the client fetches another login.',
      file: 'lib/pg/server-messages.ts',
    },
    eitherWay: 'The message is recognized with any SQLSTATE.',
    change: 'lib/pg/server-messages.ts, and the emulator’s message',
    long: true,
    expected: () => '28000 IAM Authentication token has expired',
    ask: async session => {
      const { user, password } = (await expired(session)).login
      return outcome(await session.logIn({ user, password }), user)
    },
  },
  {
    id: 'open-session-survives',
    asks: 'Does an open session survive the expiry of its login?',
    basis: 'transcripts',
    source: 'dbt-core#818; AWS does not document it',
    rule: { text: 'A rotation closes no connection.', file: 'lib/pg/client.ts' },
    eitherWay: 'pg reports the error of the query, and the pool discards the connection.',
    change: 'README’s limitations, and maxLifetimeSeconds of the pools',
    long: true,
    expected: () => 'it survives',
    ask: async session => {
      const { open } = await expired(session)
      const before = open.totalCount
      await open.query('select 1')
      return before === 1 ? 'it survives' : 'it was closed'
    },
  },
  {
    id: 'rotation',
    asks: 'Does a pool log in on both sides of an expiry?',
    basis: 'documents',
    source: 'the API references',
    rule: { text: 'A login is never used after its expiry.', file: 'lib/cache.ts' },
    eitherWay: 'It works on the emulator.',
    change: 'lib/lease.ts',
    long: true,
    expected: () => 'it does, with another login',
    ask: async session => {
      const { pool, credentials } = await expired(session)
      const before = credentials.status()[0]?.expiration?.getTime()
      await pool.query('select 1')
      const after = credentials.status()[0]?.expiration?.getTime()
      return before === after ? 'it does, with the same login' : 'it does, with another login'
    },
  },
]

/** Closes what was opened for the wait. */
export async function closeAfterExpiry(session: Session): Promise<void> {
  const opened = bySession.get(session)
  await opened?.open.end()
  await opened?.pool.end()
}
