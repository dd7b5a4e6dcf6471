/**
 * TypeORM on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/typeorm.ts
 */
import { createInterface } from 'node:readline'
import { redshiftPassword, redshiftPoolOptions } from 'pg-redshift-iam'
import { DataSource, EntitySchema } from 'typeorm'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

const Category = new EntitySchema<{ catid: number; catgroup: string; catname: string }>({
  name: 'category',
  columns: { catid: { type: 'smallint', primary: true }, catgroup: { type: 'varchar' }, catname: { type: 'varchar' } },
})
const common = { type: 'postgres' as const, entities: [Category], installExtensions: false }

/** For a user that you choose. */
const named = (username: string) =>
  new DataSource({ ...common, host, port: 5439, database, username, ssl: true, password: redshiftPassword() })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () => new DataSource({ ...common, extra: redshiftPoolOptions({ host, database }) })

const db = await (user ? named(user) : chosen()).initialize()
for await (const catgroup of createInterface({ input: process.stdin })) {
  const [row] = await db.query('SELECT current_user AS name')
  const rows = await db.getRepository(Category).find({ where: { catgroup }, order: { catid: 'ASC' } })
  console.log(JSON.stringify({ user: row.name, categories: rows.map(({ catname }) => catname) }))
}
await db.destroy()
