/**
 * Knex on Redshift. For each category group that is typed in (Shows, say), it prints who asks, and the group's categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/knex.ts
 */
import { createInterface } from 'node:readline'
import knex from 'knex'
import { redshiftKnexConnection, redshiftPassword } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For an IAM user that you name. */
const named = (user: string) =>
  knex({
    client: 'redshift',
    connection: { host, port: 5439, database, user, ssl: true, password: redshiftPassword() },
  })

/** For the user that AWS names: a role, or serverless. */
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
