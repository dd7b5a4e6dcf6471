/**
 * Kysely on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/kysely.ts
 */
import { createInterface } from 'node:readline'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import { RedshiftPool, redshiftPassword } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For a user that you choose. */
const named = (user: string) => new Pool({ host, port: 5439, database, user, ssl: true, password: redshiftPassword() })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () => new RedshiftPool({ host, database })

interface Tables {
  category: { catid: number; catgroup: string; catname: string }
}

const pool = user ? named(user) : chosen()
pool.on('error', error => console.error('An idle connection was lost:', error.message))
// If a connection in use is lost, its next query fails.
pool.on('connect', client => client.on('error', () => {}))
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
for await (const group of createInterface({ input: process.stdin })) {
  const rows = await db
    .selectFrom('category')
    .select(['catname', sql<string>`current_user`.as('name')])
    .where('catgroup', '=', group)
    .orderBy('catid')
    .execute()
  console.log(JSON.stringify({ user: rows[0]?.name, categories: rows.map(({ catname }) => catname) }))
}
await db.destroy()
