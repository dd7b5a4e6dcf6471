/**
 * postgres.js on Redshift. For each category group that is typed in (Shows, say), it prints who asks, and the group's categories.
 *
 *     REDSHIFT_HOST=… REDSHIFT_DATABASE=dev [REDSHIFT_USER=IAM:alice] npx tsx examples/postgres.ts
 */
import { createInterface } from 'node:readline'
import { RedshiftCredentials, redshiftPassword } from 'pg-redshift-iam'
import postgres from 'postgres'

const { REDSHIFT_HOST: host = '', REDSHIFT_DATABASE: database = 'dev', REDSHIFT_USER: user } = process.env

/** For an IAM user that you name. postgres.js calls the function without the connection, so pass the same options. */
const named = (user: string) => {
  const password = redshiftPassword({ host, database, user })
  return postgres({
    host,
    port: 5439,
    database,
    user,
    ssl: 'verify-full',
    fetch_types: false,
    // An unhandled rejection would end the process. With an empty password, the server rejects the login and the query fails.
    password: () =>
      password().catch((error: Error) => {
        console.error(error.message)
        return ''
      }),
  })
}

/** For the user that AWS names: a role, or serverless. It is looked up once, and must stay the same. */
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
