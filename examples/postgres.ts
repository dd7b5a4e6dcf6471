/**
 * postgres.js on Redshift. It reads names of category groups, such as Shows, from standard input.
 * For each group, it prints the current user and the categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/postgres.ts
 */
import { createInterface } from 'node:readline'
import { RedshiftCredentials, redshiftPassword } from 'pg-redshift-iam'
import postgres from 'postgres'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For a user that you choose. postgres.js calls the function without the connection, so pass the same options. */
const named = (user: string) => {
  const password = redshiftPassword({ host, database, user })
  return postgres({
    host,
    port: 5439,
    database,
    user,
    ssl: 'verify-full',
    fetch_types: false,
    // An unhandled rejection would end the process. With an empty password, only the query fails.
    password: () =>
      password().catch((error: Error) => {
        console.error(error.message)
        return ''
      }),
  })
}

/** For a user that AWS chooses: with an IAM role, or on serverless. The user is read once, and must stay the same. */
const chosen = async () => {
  const { user } = await new RedshiftCredentials({ host, database }).get()
  return named(user)
}

const sql = user ? named(user) : await chosen()
for await (const group of createInterface({ input: process.stdin })) {
  const rows = await sql`SELECT current_user AS name, catname FROM category WHERE catgroup = ${group} ORDER BY catid`
  console.log(JSON.stringify({ user: rows[0]?.name, categories: rows.map(({ catname }) => catname) }))
}
await sql.end()
