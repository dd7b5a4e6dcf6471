/** Subscribes to every channel, and throws there. Prints who logged in, before and after a rotation, and how many exceptions Node reported. */
import { subscribe } from 'node:diagnostics_channel'
import pg from 'pg'
import { RedshiftCredentials, redshiftPassword } from 'pg-redshift-iam'

let reported = 0
process.on('uncaughtException', () => {
  reported++
})
let messages = 0
for (const name of ['fetch-start', 'fetch-end', 'invalidate'])
  subscribe(`pg-redshift-iam:${name}`, () => {
    messages++
    throw new Error('This listener is broken.')
  })

const credentials = new RedshiftCredentials()
const connection = {
  host: 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com',
  port: 5439,
  database: 'dev',
  user: 'IAM:alice',
  ssl: true,
}
const connect = async (): Promise<string> => {
  const client = new pg.Client({ ...connection, password: redshiftPassword(credentials) })
  await client.connect()
  const { rows } = await client.query('select session_user as name')
  await client.end()
  return rows[0].name
}

const users = [await connect()]
const login = await credentials.get(connection)
while (credentials.status()[0]?.phase !== 'stale') await new Promise(resolve => setTimeout(resolve, 20))
users.push(await connect())
while (credentials.status()[0]?.phase !== 'fresh') await new Promise(resolve => setTimeout(resolve, 20))
const next = await credentials.get(connection)
users.push(await connect())
while (!credentials.invalidate(next)) await new Promise(resolve => setTimeout(resolve, 20))
users.push(await connect())
await credentials.close()
await new Promise(setImmediate)
console.log(JSON.stringify({ users, rotated: next !== login, messages, reported }))
