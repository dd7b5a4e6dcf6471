/**
 * Sequelize 7 on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/sequelize7.ts
 */
import { createInterface } from 'node:readline'
import { DataTypes, QueryTypes, Sequelize } from '@sequelize/core'
import { PostgresDialect } from '@sequelize/postgres'
import { redshiftBeforeConnect, redshiftPassword } from 'pg-redshift-iam'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For a user that you choose. */
const named = (user: string) =>
  new Sequelize({ dialect: PostgresDialect, host, port: 5439, database, user, ssl: true, password: redshiftPassword() })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () =>
  new Sequelize({
    dialect: PostgresDialect,
    host,
    port: 5439,
    database,
    ssl: true,
    hooks: { beforeConnect: redshiftBeforeConnect() },
  })

const db = user ? named(user) : chosen()
const columns = {
  catid: { type: DataTypes.SMALLINT, primaryKey: true },
  catgroup: DataTypes.STRING,
  catname: DataTypes.STRING,
}
const Category = db.define('category', columns, { tableName: 'category', timestamps: false })
for await (const catgroup of createInterface({ input: process.stdin })) {
  const [row] = await db.query<{ name: string }>('SELECT current_user AS name', { type: QueryTypes.SELECT })
  const rows = await Category.findAll({ where: { catgroup }, order: ['catid'] })
  console.log(JSON.stringify({ user: row?.name, categories: rows.map(category => category.get('catname')) }))
}
await db.close()
