/**
 * Prisma on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/prisma.ts
 */
import { createInterface } from 'node:readline'
import { PrismaPg } from '@prisma/adapter-pg'
import { redshiftPassword, redshiftPoolOptions } from 'pg-redshift-iam'
import { PrismaClient } from './prisma/client/client.js'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For a user that you choose. */
const named = (user: string) =>
  new PrismaPg({ host, port: 5439, database, user, ssl: true, password: redshiftPassword() })

/** For a user that AWS chooses: with an IAM role, or on serverless. */
const chosen = () => new PrismaPg(redshiftPoolOptions({ host, database }))

const adapter = user ? named(user) : chosen()
const db = new PrismaClient({ adapter })
for await (const catgroup of createInterface({ input: process.stdin })) {
  const [row] = await db.$queryRaw<{ name: string }[]>`SELECT current_user AS name`
  const rows = await db.category.findMany({ where: { catgroup }, orderBy: { catid: 'asc' } })
  console.log(JSON.stringify({ user: row?.name, categories: rows.map(({ catname }) => catname) }))
}
await db.$disconnect()
