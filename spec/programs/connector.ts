/**
 * Runs its input line by line, and prints a line for each: `connect` opens a connection and prints its user, `get` only fetches
 * the login, `phase` prints the login's phase. A failure prints its code.
 */
import { createInterface } from 'node:readline'
import pg from 'pg'
import { RedshiftCredentials, redshiftPassword } from 'pg-redshift-iam'

const { HOST: host = '', FETCH_TIMEOUT } = process.env
const connection = { host, port: 5439, database: 'dev', user: 'IAM:alice', ssl: true }
const credentials = new RedshiftCredentials(FETCH_TIMEOUT ? { fetchTimeoutMillis: Number(FETCH_TIMEOUT) } : {})

async function answer(command: string): Promise<string> {
  switch (command) {
    case 'phase':
      return credentials.status()[0]?.phase ?? 'none'
    case 'get':
      return (await credentials.get(connection)).user
    case 'connect': {
      const client = new pg.Client({ ...connection, password: redshiftPassword(credentials) })
      await client.connect()
      const { rows } = await client.query('select session_user as name')
      await client.end()
      return rows[0].name
    }
    default:
      return `unknown command ${command}`
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)

createInterface({ input: process.stdin }).on('line', command => {
  answer(command).then(console.log, error => console.log(codeOf(error)))
})
