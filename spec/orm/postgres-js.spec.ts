import { connect } from 'node:net'
import { expect } from 'chai'
import postgres from 'postgres'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { redshiftPassword } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('redshiftPassword, on postgres.js,', () => {
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
  })
  after(() => emulator.close())

  /** As in examples/postgres.ts. */
  const build = (user: string, report: (error: Error) => void) => {
    const { host, database, ssl } = emulator.poolConfig()
    const password = redshiftPassword({ host, database, user, aws: { ...emulator.aws, maxAttempts: 1 } })
    return postgres({
      host,
      port: 5439,
      database,
      user,
      ssl,
      fetch_types: false,
      password: () =>
        password().catch((error: Error) => {
          report(error)
          return ''
        }),
      // Missing in its types: a socket to use instead of host and port.
      ...{ socket: () => Object.assign(connect(emulator.address), { host }) },
    })
  }

  it('fails the query, and does not end the process, if AWS returns no login', async () => {
    const reported: Error[] = []
    const sql = build('IAM:alice', error => reported.push(error))
    const denied = emulator.fail({ kind: 'access-denied' })
    expect(await rejection(sql`SELECT 1`)).to.have.property('code', '28000')
    expect(reported.map(error => (error as { code?: string }).code)).to.deep.equal(['ERR_REDSHIFT_ACCESS_DENIED'])
    denied.clear()
    await sql.end()
  })

  it('reports that AWS returned a login for another user than the option', async () => {
    const reported: Error[] = []
    const sql = build('IAMR:former', error => reported.push(error))
    expect(await rejection(sql`SELECT 1`)).to.have.property('code', '28000')
    expect(reported.map(error => (error as { code?: string }).code)).to.deep.equal(['ERR_REDSHIFT_USER_MISMATCH'])
    await sql.end()
  })
})
