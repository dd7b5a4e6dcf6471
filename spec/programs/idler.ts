/**
 * Leaves a pool behind, idle and never ended, as its environment says, and writes a line of what it has seen. Nothing here ends
 * the process: it ends when nothing keeps it.
 */
import pg from 'pg'
import { RedshiftPool, redshiftPoolOptions } from 'pg-redshift-iam'

const source = { host: 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com', database: 'dev' }
const allowed = { allowExitOnIdle: true, idleTimeoutMillis: 0 }

const scenes = {
  /** Idle connections, which would stay for ever, do not count. */
  idle: () => new RedshiftPool({ ...source, ...allowed }),
  stock: () => new pg.Pool(redshiftPoolOptions(source, allowed)),
  /** The pool has given the connection up, while the provider of AWS credentials hangs. */
  'timed out': () =>
    new RedshiftPool({
      ...source,
      connectionTimeoutMillis: 500,
      redshift: { fetchTimeoutMillis: 60_000, aws: { credentials: () => new Promise(() => {}) } },
    }),
}

const scene = process.env.SCENE as keyof typeof scenes
const pool = scenes[scene]()
pool.query('select session_user').then(
  ({ rows }) => console.log(rows[0].session_user),
  error => console.log(error.message),
)
