/**
 * pg-promise on Redshift. For each category group that is typed in (Shows, say), it prints who asks, and the group's categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/pg-promise.ts
 */
import { createInterface } from 'node:readline'
import pgPromise from 'pg-promise'
import { redshiftPassword, redshiftPoolOptions } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

const pgp = pgPromise()

/** For an IAM user that you name. */
const named = (user: string) => pgp({ host, port: 5439, database, user, ssl: true, password: redshiftPassword() })

/** For the user that AWS names: a role, or serverless. pg-promise brings its own copy of pg. */
const chosen = () => pgp(redshiftPoolOptions({ host, database }, { Client: pgp.pg.Client }) as object)

const db = user ? named(user) : chosen()
for await (const group of createInterface({ input: process.stdin })) {
  const rows = await db.any(
    'SELECT current_user AS name, catname FROM category WHERE catgroup = $1 ORDER BY catid',
    group,
  )
  console.log(JSON.stringify({ user: rows[0]?.name, categories: rows.map(({ catname }) => catname) }))
}
await db.$pool.end()
