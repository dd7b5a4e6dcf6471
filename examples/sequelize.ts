/**
 * Sequelize 6 on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/sequelize.ts
 */
import { createInterface } from 'node:readline'
import { redshiftBeforeConnect, redshiftPassword } from 'pg-redshift-iam'
import { DataTypes, QueryTypes, Sequelize } from 'sequelize'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** Redshift lacks features of PostgreSQL that Sequelize expects. */
const redshift = {
  dialect: 'postgres' as const,
  databaseVersion: '8.0.2',
  keepDefaultTimezone: true,
  standardConformingStrings: false,
  dialectOptions: { ssl: true, clientMinMessages: 'ignore' },
  logging: false,
}

/** For a user that you choose. Sequelize calls the function, though its types say string. */
const named = (username: string) =>
  new Sequelize({ ...redshift, host, port: 5439, database, username, password: redshiftPassword() as never })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () =>
  new Sequelize({ ...redshift, host, port: 5439, database, hooks: { beforeConnect: redshiftBeforeConnect() } })

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
