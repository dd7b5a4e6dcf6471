/**
 * pg-promise on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/pg-promise.ts
 */
import { createInterface } from 'node:readline'
import pgPromise from 'pg-promise'
import { redshiftPassword, redshiftPoolOptions } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

const pgp = pgPromise()

/** For a user that you choose. */
const named = (user: string) => pgp({ host, port: 5439, database, user, ssl: true, password: redshiftPassword() })

/** For a user that AWS chooses: with an IAM role, or on serverless. pg-promise brings its own copy of pg. */
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
