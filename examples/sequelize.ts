/**
 * Sequelize 6 on Redshift. For each category group that is typed in (Shows, say), it prints who asks, and the group's categories.
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

/** For an IAM user that you name. Sequelize calls the function, though its types say string. */
const named = (username: string) =>
  new Sequelize({ ...redshift, host, port: 5439, database, username, password: redshiftPassword() as never })

/** For the user that AWS names: a role, or serverless. */
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
