/**
 * Leaves a pool idle without ending it, as set by its environment, and prints a line with what it observed. Nothing here ends
 * the process: it exits when nothing keeps it alive.
 */
import pg from 'pg'
import { RedshiftPool, redshiftPoolOptions } from 'pg-redshift-iam'

const source = { host: 'analytics.123456789012.us-west-2.redshift-serverless.amazonaws.com', database: 'dev' }
const allowed = { allowExitOnIdle: true, idleTimeoutMillis: 0 }

const scenes = {
  /** Idle connections, which would stay open, are not counted. */
  idle: () => new RedshiftPool({ ...source, ...allowed }),
  stock: () => new pg.Pool(redshiftPoolOptions(source, allowed)),
  /** The pool has abandoned the connection, while the provider of AWS credentials hangs. */
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
