/**
 * Drizzle on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/drizzle.ts
 */
import { createInterface } from 'node:readline'
import { eq, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, smallint, varchar } from 'drizzle-orm/pg-core'
import { redshiftPassword, redshiftPoolOptions } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For a user that you choose. */
const named = (user: string) =>
  drizzle({ connection: { host, port: 5439, database, user, ssl: true, password: redshiftPassword() } })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () => drizzle({ connection: redshiftPoolOptions({ host, database }) })

const category = pgTable('category', { catid: smallint(), catgroup: varchar(), catname: varchar() })

const db = user ? named(user) : chosen()
db.$client.on('error', error => console.error('An idle connection was lost:', error.message))
// If a connection in use is lost, its next query fails.
db.$client.on('connect', client => client.on('error', () => {}))
for await (const group of createInterface({ input: process.stdin })) {
  const rows = await db
    .select({ name: sql<string>`current_user`, catname: category.catname })
    .from(category)
    .where(eq(category.catgroup, group))
    .orderBy(category.catid)
  console.log(JSON.stringify({ user: rows[0]?.name, categories: rows.map(({ catname }) => catname) }))
}
await db.$client.end()
