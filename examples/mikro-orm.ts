/**
 * MikroORM on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/mikro-orm.ts
 */
import { createInterface } from 'node:readline'
import { defineEntity, MikroORM, p } from '@mikro-orm/postgresql'
import { redshiftPassword, redshiftPoolOptions } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

const Category = defineEntity({
  name: 'Category',
  properties: { catid: p.smallint().primary(), catgroup: p.string(), catname: p.string() },
})

/** For a user that you choose. */
const named = (user: string) =>
  MikroORM.init({
    entities: [Category],
    host,
    port: 5439,
    dbName: database,
    user,
    password: redshiftPassword(),
    driverOptions: { ssl: true },
  })

/** For a user that AWS chooses: with an IAM role, or on serverless. Without a user, MikroORM uses "postgres". */
const chosen = () =>
  MikroORM.init({
    entities: [Category],
    dbName: database,
    user: '',
    driverOptions: redshiftPoolOptions({ host, database }),
  })

const orm = await (user ? named(user) : chosen())
for await (const catgroup of createInterface({ input: process.stdin })) {
  const em = orm.em.fork()
  const [row] = await em.execute<{ name: string }[]>('SELECT current_user AS name')
  const rows = await em.find(Category, { catgroup }, { orderBy: { catid: 'asc' } })
  console.log(JSON.stringify({ user: row?.name, categories: rows.map(({ catname }) => catname) }))
}
await orm.close()
