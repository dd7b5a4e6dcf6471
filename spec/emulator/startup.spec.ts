import { expect } from 'chai'
import type pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { errorFields, message, readMessage, startupPacket } from '../../lib/emulator/postgres/protocol.js'
import { connect, connectSecurely, fetchLogin } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

const reported = [
  'application_name case_sensitive client_encoding datestyle integer_datetimes is_superuser server_encoding server_version',
  'session_authorization TimeZone timezone_abbreviations padb_version padb_revision max_numeric_precision max_varchar_size',
  'datashare_enabled session_id server_protocol_version',
]
  .join(' ')
  .split(' ')

describe('The start-up packet at the emulator', () => {
  for (const redshiftDialect of [false, true]) {
    describe(`from AWS’s own drivers, ${redshiftDialect ? 'in' : 'without'} Redshift’s dialect`, () => {
      let emulator: RedshiftEmulator
      before(async () => {
        emulator = await startEmulator({ redshiftDialect })
      })
      after(() => emulator.close())

      it('logs in AWS’s Python driver, and runs its first query', async () => {
        const heard = await likeRedshiftConnector(emulator)
        expect(heard.parameters.get('server_protocol_version')).to.equal('0')
        expect(heard.parameters.get('client_encoding')).to.equal('UTF8')
        expect(heard.rows).to.deep.equal([['alice', 'redshift_connector']])
      })

      it('logs in AWS’s JDBC driver, which sends more parameters', async () => {
        const heard = await likeRedshiftConnector(emulator, {
          client_encoding: 'UTF8',
          DateStyle: 'ISO',
          TimeZone: 'Europe/Berlin',
          '_pq_.compression': 'lz4:1',
          extra_float_digits: '2',
          identity_namespace: 'awsidc',
          provider_name: 'azure',
          idc_client_display_name: 'a client',
          plugin_name: 'com.amazon.redshift.plugin.IdpTokenAuthPlugin',
        })
        expect(heard.parameters.get('TimeZone')).to.equal('Europe/Berlin')
        expect(heard.rows).to.have.length(1)
      })
    })
  }

  describe('in Redshift’s dialect', () => {
    let emulator: RedshiftEmulator
    before(async () => {
      emulator = await startEmulator({ redshiftDialect: true })
    })
    after(() => emulator.close())

    const start = async (config: pg.ClientConfig) => connect(emulator, await fetchLogin(emulator), config)

    it('makes the server report Redshift’s parameters in Redshift’s order', async () => {
      const { parameters } = await likeRedshiftConnector(emulator)
      expect([...parameters.keys()]).to.deep.equal(reported)
      expect(Object.fromEntries(parameters)).to.include({
        server_version: '8.0.2',
        server_encoding: 'UNICODE',
        datestyle: 'ISO, MDY',
        is_superuser: 'off',
        padb_version: '1.0.63269',
        datashare_enabled: 'off',
      })
    })

    for (const [options, code, text] of [
      [
        '-c standard_conforming_strings=on',
        '42704',
        'unrecognized configuration parameter "standard_conforming_strings"',
      ],
      ['-c constructor=1', '42704', 'unrecognized configuration parameter "constructor"'],
      ['--lock-timeout=1s', '42704', 'unrecognized configuration parameter "lock_timeout"'],
      ['-c search_path=a\\ b -clc_monetary=C', '42501', 'permission denied to set parameter "lc_monetary" to "C"'],
      [
        '-c extra_float_digits=3',
        '22023',
        '3 is outside the valid range for parameter "extra_float_digits" (-15 .. 2)',
      ],
    ] as const) {
      it(`refuses ${options}`, async () => {
        expect(await rejection(start({ options }))).to.include({ code, message: text })
        expect(emulator.logins.at(-1)).to.include({ ok: false, sqlstate: code })
      })
    }

    it('cannot set a parameter of later PostgreSQL versions, inside or outside of options', async () => {
      const error = await rejection(start({ idle_in_transaction_session_timeout: 1000 }))
      expect(error).to.include({ code: '42704' })
    })

    it('sets Redshift’s configuration parameters, which SET, RESET and SHOW change and return', async () => {
      const client = await start({
        options: '-c query_group=nightly -c statement_timeout=4321 -c application_name=a\\ b',
      })
      const show = async (name: string) => (await client.query(`SHOW ${name}`)).rows[0]
      expect(await show('query_group')).to.deep.equal({ query_group: 'nightly' })
      expect(await show('statement_timeout')).to.deep.equal({ statement_timeout: '4321ms' })
      expect(await show('application_name')).to.deep.equal({ application_name: 'a b' })
      expect(await show('enable_case_sensitive_identifier')).to.deep.equal({ enable_case_sensitive_identifier: 'off' })
      await client.query("SET query_group TO 'reports'; SET enable_result_cache_for_session = off")
      expect(await show('query_group')).to.deep.equal({ query_group: 'reports' })
      await client.query('RESET query_group')
      expect(await show('query_group')).to.deep.equal({ query_group: 'nightly' })
      await client.query('RESET ALL')
      expect(await show('enable_result_cache_for_session')).to.deep.equal({ enable_result_cache_for_session: 'on' })
      await client.end()
    })

    it('is followed by reports of changes, under Redshift’s names only', async () => {
      const client = await start({})
      const changes: string[] = []
      const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
      connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
        changes.push(`${parameterName}=${parameterValue}`)
      })
      await client.query("SET datestyle TO 'ISO, DMY'; SET search_path TO public; SET application_name TO 'later'")
      await client.end()
      expect(changes).to.have.members(['datestyle=ISO, DMY', 'application_name=later'])
    })
  })
})

/** Sends and reads what redshift_connector 2.1 does: each message in turn, each parameter once. */
async function likeRedshiftConnector(emulator: RedshiftEmulator, more: Record<string, string> = {}) {
  const { user, password } = await fetchLogin(emulator)
  const stream = await connectSecurely(emulator)
  const parameters = new Map<string, string>()
  const rows: string[][] = []
  const next = async () => {
    const heard = await readMessage(stream)
    if (!heard) throw new Error('The server closed the connection.')
    if (heard.type === 'E') throw new Error(errorFields(heard.body).get('M'))
    return heard
  }
  stream.write(
    startupPacket(
      196_608,
      new Map(
        Object.entries({
          user,
          database: 'dev',
          application_name: 'redshift_connector',
          client_protocol_version: '2',
          driver_version: 'Redshift Python Driver 2.1.15',
          os_version: 'Linux-6.1-x86_64',
          driver_discovery_version: '1',
          ...more,
        }),
      ),
    ),
  )
  expect((await next()).body.readInt32BE(0)).to.equal(3)
  stream.write(message('p', password, '\0'))
  const types: string[] = []
  for (let heard = await next(); heard.type !== 'Z'; heard = await next()) {
    types.push(heard.type)
    const [name = '', value = ''] = heard.body.toString().split('\0')
    if (heard.type === 'S') parameters.set(name, value)
  }
  expect(types.join('')).to.match(/^RS+K$/)
  expect(types.filter(type => type === 'S')).to.have.length(parameters.size)
  // The driver opens a transaction, then parses, describes and executes.
  const empty = Buffer.alloc(2)
  for (const [name, sql] of [
    ['s1', 'begin transaction'],
    ['s2', "select current_user, current_setting('application_name')"],
  ] as const) {
    stream.write(
      Buffer.concat([
        message('P', `${name}\0${sql}\0`, empty),
        message('D', `S${name}\0`),
        message('S'),
        message('B', '\0', `${name}\0`, empty, empty, empty),
        message('E', '\0', Buffer.alloc(4)),
        message('S'),
      ]),
    )
    for (let ready = 0; ready < 2; ) {
      const { type, body } = await next()
      if (type === 'D') rows.push(fields(body))
      if (type === 'Z') ready += 1
    }
  }
  stream.end(message('X'))
  return { parameters, rows }
}

function fields(row: Buffer): string[] {
  const values: string[] = []
  for (let at = 2; at < row.length; ) {
    const length = row.readInt32BE(at)
    values.push(row.toString('utf8', at + 4, at + 4 + length))
    at += 4 + length
  }
  return values
}
