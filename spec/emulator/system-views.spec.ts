import { expect } from 'chai'
import type pg from 'pg'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { connect, fetchLogin } from '../support/emulated-login.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('Redshift’s system views at the emulator', () => {
  const database = `system_views_${process.pid}`
  let emulator: RedshiftEmulator
  let client: pg.Client
  before(async () => {
    emulator = await startEmulator({ redshiftDialect: true, databases: [database] })
    client = await connect(emulator, await fetchLogin(emulator), { database })
    await client.query("CREATE TABLE orders (id integer NOT NULL, note varchar(20) DEFAULT 'none')")
    await client.query('CREATE VIEW notes AS SELECT note FROM orders')
    // A table that alice may read, in a schema that she may not use.
    await emulator.query(
      'CREATE SCHEMA private; CREATE TABLE private.secret (id integer); GRANT SELECT ON private.secret TO alice',
    )
    await client.query("COMMENT ON TABLE orders IS 'what was ordered'")
  })
  after(async () => {
    await client.end()
    await emulator.query(`DROP DATABASE ${database} WITH (FORCE)`, 'postgres')
    await emulator.close()
  })

  const rows = async (sql: string) => (await client.query(sql)).rows

  const asked: Record<string, [sql: string, rows: object[] | undefined][]> = {
    'AWS’s JDBC driver, and Metabase with it': [
      [
        `SELECT CAST(database_name AS varchar(124)) AS TABLE_CAT FROM PG_CATALOG.SVV_REDSHIFT_DATABASES WHERE database_name = '${database}'`,
        [{ table_cat: database }],
      ],
      ["SELECT schema_name FROM PG_CATALOG.SVV_ALL_SCHEMAS WHERE schema_name = 'public'", [{ schema_name: 'public' }]],
      [
        "SELECT table_catalog, table_name, table_type FROM svv_tables WHERE table_schema = 'public' ORDER BY table_name",
        [
          { table_catalog: database, table_name: 'notes', table_type: 'VIEW' },
          { table_catalog: database, table_name: 'orders', table_type: 'BASE TABLE' },
        ],
      ],
      [
        "SELECT table_name, table_type, remarks FROM PG_CATALOG.SVV_ALL_TABLES WHERE table_name IN ('orders', 'secret') ORDER BY 1",
        [
          { table_name: 'orders', table_type: 'TABLE', remarks: 'what was ordered' },
          { table_name: 'secret', table_type: 'TABLE', remarks: null },
        ],
      ],
      [
        "SELECT column_name, data_type, is_nullable FROM svv_columns WHERE table_name = 'orders' ORDER BY ordinal_position",
        [
          { column_name: 'id', data_type: 'integer', is_nullable: 'NO' },
          { column_name: 'note', data_type: 'character varying', is_nullable: 'YES' },
        ],
      ],
      ["SELECT count(*)::int FROM PG_CATALOG.svv_all_columns WHERE table_name = 'orders'", [{ count: 2 }]],
      ["select 1 from svv_external_schemas where schemaname like 'public'", []],
      ['SELECT tablename FROM svv_external_tables', []],
      ["SELECT HAS_SCHEMA_PRIVILEGE('public', 'USAGE') AS usage", [{ usage: true }]],
      ['SELECT getdate() <= localtimestamp AS past', [{ past: true }]],
      [
        `select * from pg_get_late_binding_view_cols()
         lbv_cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int)`,
        [],
      ],
    ],
    DBeaver: [
      [`SELECT * FROM "${database}".pg_catalog.svv_external_schemas`, []],
      ['SELECT table_id, size, tbl_rows FROM SVV_TABLE_INFO WHERE "schema"=\'nowhere\'', []],
      ["SELECT proname FROM pg_proc_info WHERE proname = 'getdate'", [{ proname: 'getdate' }]],
    ],
    dbt: [
      [
        "select table_name, column_name from svv_redshift_columns where table_name = 'notes'",
        [{ table_name: 'notes', column_name: 'note' }],
      ],
      [
        "select identity_name, identity_type from svv_relation_privileges where relation_name = 'orders' and privilege_type = 'SELECT'",
        [{ identity_name: 'alice', identity_type: 'user' }],
      ],
      ['select * from pg_catalog.svv_external_columns', []],
      ['select * from svv_mv_info', []],
    ],
    'people at a prompt': [
      [
        'SELECT DISTINCT trim(db_name) AS db_name FROM stv_sessions WHERE process = pg_backend_pid()',
        [{ db_name: database }],
      ],
      [
        'SELECT usename, usesuper FROM pg_user_info WHERE usename = current_user',
        [{ usename: 'alice', usesuper: false }],
      ],
    ],
  }
  for (const [who, queries] of Object.entries(asked)) {
    it(`return rows for the first queries of ${who}`, async () => {
      for (const [sql, expected] of queries) expect(await rows(sql), sql).to.deep.equal(expected)
    })
  }

  it('that do not exist cause Redshift’s error', async () => {
    for (const name of ['stl_query', 'svl_qlog']) {
      const error = await rejection(client.query(`SELECT * FROM ${name}`))
      expect(error).to.include({ code: '42P01', message: `relation "${name}" does not exist` })
    }
  })

  it('are created once, even if many emulators start on the server', async () => {
    const options = { redshiftDialect: true, databases: [database] }
    const emulators = await Promise.all([startEmulator(options), startEmulator(options), startEmulator(options)])
    expect(await rows('SELECT count(*)::int FROM svv_external_schemas')).to.deep.equal([{ count: 0 }])
    await Promise.all(emulators.map(one => one.close()))
  })

  it('do not exist without the dialect', async () => {
    const plain = await startEmulator({ databases: [`${database}_plain`] })
    const error = await rejection(plain.query('SELECT * FROM svv_tables'))
    expect(error).to.include({ code: '42P01' })
    await plain.query(`DROP DATABASE ${database}_plain`, 'postgres')
    await plain.close()
  })
})
