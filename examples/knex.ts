/**
 * Knex on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/knex.ts
 */
import { createInterface } from 'node:readline'
import knex from 'knex'
import { redshiftKnexConnection, redshiftPassword } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For a user that you choose. */
const named = (user: string) =>
  knex({
    client: 'redshift',
    connection: { host, port: 5439, database, user, ssl: true, password: redshiftPassword() },
  })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () => knex({ client: 'redshift', connection: redshiftKnexConnection({ host, database }) })

const db = user ? named(user) : chosen()
for await (const group of createInterface({ input: process.stdin })) {
  const rows = await db('category')
    .select(db.raw('current_user AS name'), 'catname')
    .where('catgroup', group)
    .orderBy('catid')
  console.log(JSON.stringify({ user: rows[0]?.name, categories: rows.map(({ catname }) => catname) }))
}
await db.destroy()
