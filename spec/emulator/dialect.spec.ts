import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('The emulator in Redshift’s dialect', () => {
  let emulator: RedshiftEmulator
  let client: pg.Client
  before(async () => {
    emulator = await startEmulator({ redshiftDialect: true })
    client = await connect(emulator, await fetchLogin(emulator))
  })
  after(async () => {
    await client.end()
    await emulator.close()
  })

  const refusals: [sql: string, sqlstate: string, message: string][] = [
    ['CREATE EXTENSION IF NOT EXISTS "uuid-ossp"', '42601', 'syntax error at or near "EXTENSION"'],
    ['DISCARD ALL', '42601', 'syntax error at or near "DISCARD"'],
    ['INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING', '42601', 'syntax error at or near "ON"'],
    ['INSERT INTO t VALUES (1) RETURNING id', '42601', 'syntax error at or near "RETURNING"'],
    [
      'create unique index i on t (id)',
      '0A000',
      'SQL command "create unique index i on t (id)" not supported on Redshift tables.',
    ],
    ['LISTEN news', '0A000', 'SQL command "LISTEN news" not supported'],
    ["NOTIFY news, 'x'", '0A000', `SQL command "NOTIFY news, 'x'" not supported`],
    ['UNLISTEN *', '0A000', 'SQL command "UNLISTEN *" not supported'],
    ['SAVEPOINT a', '0A000', 'SQL command "SAVEPOINT a" not supported'],
    ['ROLLBACK TO SAVEPOINT a', '0A000', 'SQL command "ROLLBACK TO SAVEPOINT a" not supported'],
    [
      "SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE",
      '0A000',
      `SQL command "SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE" not supported`,
    ],
    [
      'SET client_min_messages TO warning',
      '42501',
      'permission denied to set parameter "client_min_messages" to "warning"',
    ],
    ["SET client_min_messages='ERROR'", '42501', 'permission denied to set parameter "client_min_messages" to "error"'],
    [
      'SET standard_conforming_strings=on',
      '42704',
      'unrecognized configuration parameter "standard_conforming_strings"',
    ],
    ['SET lock_timeout = 1000', '42704', 'unrecognized configuration parameter "lock_timeout"'],
    [
      'set local Idle_In_Transaction_Session_Timeout to 1',
      '42704',
      'unrecognized configuration parameter "idle_in_transaction_session_timeout"',
    ],
    [
      'SET SESSION extra_float_digits=3',
      '22023',
      '3 is outside the valid range for parameter "extra_float_digits" (-15 .. 2)',
    ],
    ["SET lc_monetary = 'C'", '42501', 'permission denied to set parameter "lc_monetary" to "C"'],
    ['SHOW server_version_num', '42704', 'unrecognized configuration parameter "server_version_num"'],
    ['CREATE TABLE "public"."t" ("id" SERIAL PRIMARY KEY)', '0A000', 'Column "t.id" has unsupported type "serial".'],
    ['CREATE TABLE t (a integer, "the id" bigserial)', '0A000', 'Column "t.the id" has unsupported type "bigserial".'],
    ['CREATE TABLE IF NOT EXISTS t (a uuid)', '0A000', 'Column "t.a" has unsupported type "uuid".'],
    ['CREATE TEMP TABLE t (a integer [])', '0A000', 'Column "t.a" has unsupported type "integer[]".'],
    ['ALTER TABLE t ADD COLUMN c json', '0A000', 'Column "t.c" has unsupported type "json".'],
    ['ALTER TABLE t ADD json json', '0A000', 'Column "t.json" has unsupported type "json".'],
    ['CREATE TABLE t (a jsonb)', '42704', 'type "jsonb" does not exist'],
    ['ALTER TABLE t ADD COLUMN jsonb jsonb', '42704', 'type "jsonb" does not exist'],
    ['ALTER TABLE t ALTER COLUMN c TYPE jsonb', '42704', 'type "jsonb" does not exist'],
    ["SELECT '{}'::jsonb", '42704', 'type "jsonb" does not exist'],
    ['SELECT typarray FROM pg_type', '42703', 'column "typarray" does not exist'],
    ['SELECT pg_try_advisory_lock($1)', '42883', 'function pg_try_advisory_lock("unknown") does not exist'],
    ['SELECT gen_random_uuid()', '42883', 'function gen_random_uuid() does not exist'],
  ]
  for (const [sql, code, message] of refusals) {
    it(`refuses ${sql}`, async () => {
      if (!sql.includes('$1')) expect(await rejection(client.query(sql))).to.include({ code, message })
      const values = sql.includes('$1') ? [1] : []
      expect(await rejection(client.query({ name: sql.slice(0, 60), text: sql, values }))).to.include({ code, message })
      expect((await client.query('SELECT 1 AS one')).rows).to.deep.equal([{ one: 1 }])
    })
  }

  it('ignores keywords in strings, quoted names and comments', async () => {
    const { rows } = await client.query(
      `SELECT 'RETURNING; LISTEN x' AS "returning", $$ typarray $$ AS b -- ON CONFLICT\n /* '::jsonb */`,
    )
    expect(rows).to.deep.equal([{ returning: 'RETURNING; LISTEN x', b: ' typarray ' }])
  })

  it('accepts columns, constraints and aliases with the names of unsupported types', async () => {
    for (const sql of [
      'CREATE TEMP TABLE named (id integer, jsonb integer, CONSTRAINT json UNIQUE (id))',
      'ALTER TABLE named ADD COLUMN uuid varchar(36)',
      'ALTER TABLE named ADD json varchar(36)',
      'ALTER TABLE named ADD CONSTRAINT uuid UNIQUE (uuid)',
      'CREATE TEMP TABLE copied AS SELECT id, id uuid FROM named',
      'CREATE TEMP TABLE copied_too AS (SELECT jsonb FROM named)',
      'CREATE TEMP TABLE counted AS WITH n AS (SELECT 1) SELECT id, id json FROM named',
    ])
      await client.query(sql)
  })

  it('accepts SET for the parameters that Redshift has, and for session context variables', async () => {
    for (const sql of [
      'SET extra_float_digits = 2',
      "SET SESSION search_path TO '$user', public",
      "SET TIME ZONE 'UTC'",
      'SET timezone TO DEFAULT',
      "SET application.user_id TO '7'",
      'SET seed TO 0.5',
      'SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE',
    ])
      await client.query(sql)
  })

  it('reports Redshift’s version in each way that clients request it', async () => {
    const version =
      'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.12103'
    expect((await client.query('select version()')).rows).to.deep.equal([{ version }])
    expect((await client.query('SELECT pg_catalog.version() IS NULL AS a, Version ( ) AS v')).rows[0].v).to.equal(
      version,
    )
    expect((await client.query('SHOW server_version;')).rows).to.deep.equal([{ server_version: '8.0.2' }])
    const parameters = await reportedParameters(emulator)
    expect(parameters.server_version).to.equal('8.0.2')
    expect(parameters).not.to.have.property('standard_conforming_strings')
  })

  it('aborts the transaction of a refused statement', async () => {
    await client.query('BEGIN')
    await rejection(client.query('SAVEPOINT a'))
    expect((await rejection(client.query('SELECT 1'))).code).to.equal('25P02')
    await client.query('ROLLBACK')
  })

  it('refuses a whole query that contains a refused statement', async () => {
    const error = await rejection(client.query("SELECT 1; SET client_min_messages TO warning; SELECT 'x'"))
    expect(error.code).to.equal('42501')
  })

  it('accepts identity columns, varchar(max), and distribution and sort keys', async () => {
    await client.query(
      'CREATE TEMP TABLE events (id integer IDENTITY(100, 10), note varchar(max)) DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (id, note)',
    )
    await client.query("INSERT INTO events (note) VALUES ('a'), ('b')")
    expect((await client.query('SELECT id FROM events ORDER BY id')).rows).to.deep.equal([{ id: 100 }, { id: 110 }])
  })

  it('relays many large messages', async () => {
    const value = 'RETURNING '.repeat(1 << 18)
    const { rows } = await client.query('SELECT $1::text AS back', [value])
    expect(rows[0].back === value).to.equal(true)
    const many = await client.query('SELECT i FROM generate_series(1, 100000) AS i')
    expect(many.rows.at(-1)).to.deep.equal({ i: 100_000 })
  })
})

/** The parameters that the server reports after a login. */
async function reportedParameters(emulator: RedshiftEmulator): Promise<Record<string, string>> {
  const { user, password } = await fetchLogin(emulator)
  const client = new pg.Client({ ...emulator.poolConfig(), user, password })
  const parameters: Record<string, string> = {}
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
  connection.on('parameterStatus', ({ parameterName, parameterValue }) => {
    parameters[parameterName] = parameterValue
  })
  await client.connect()
  await client.end()
  return parameters
}
