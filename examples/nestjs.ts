/**
 * NestJS on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/nestjs.ts
 */
import { createInterface } from 'node:readline'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { TypeOrmModule } from '@nestjs/typeorm'
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
  TypeOrmModule.forRoot({ ...common, host, port: 5439, database, username, ssl: true, password: redshiftPassword() })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () => TypeOrmModule.forRoot({ ...common, extra: redshiftPoolOptions({ host, database }) })

@Module({ imports: [user ? named(user) : chosen()] })
class App {}

const app = await NestFactory.createApplicationContext(App, { logger: ['error', 'warn'] })
const db = app.get(DataSource)
for await (const catgroup of createInterface({ input: process.stdin })) {
  const [row] = await db.query('SELECT current_user AS name')
  const rows = await db.getRepository(Category).find({ where: { catgroup }, order: { catid: 'ASC' } })
  console.log(JSON.stringify({ user: row.name, categories: rows.map(({ catname }) => catname) }))
}
await app.close()
