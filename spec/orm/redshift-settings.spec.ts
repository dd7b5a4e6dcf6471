import { MikroORM } from '@mikro-orm/postgresql'
import * as core from '@sequelize/core'
import { PostgresDialect } from '@sequelize/postgres'
import { expect } from 'chai'
import pg from 'pg'
import { Sequelize } from 'sequelize'
import { DataSource, EntitySchema } from 'typeorm'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, redshiftBeforeConnect, redshiftPoolOptions } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { rejection } from '../support/rejection.js'

describe('The settings for Redshift in docs/orms.md:', () => {
  let emulator: RedshiftEmulator
  let credentials: RedshiftCredentials
  before(async () => {
    emulator = await startEmulator({ redshiftDialect: true })
    credentials = new RedshiftCredentials({ aws: emulator.aws })
  })
  after(() => emulator.close())

  describe('Sequelize 6 fails to connect without', () => {
    const needed = {
      keepDefaultTimezone: [true, /SET TIME ZONE INTERVAL/],
      standardConformingStrings: [false, /standard_conforming_strings/],
      clientMinMessages: ['ignore', /client_min_messages/],
    } as const

    for (const [without, [, message]] of Object.entries(needed))
      it(without, async () => {
        const { host, database, ssl, stream } = emulator.poolConfig()
        const settings = Object.entries(needed).filter(([name]) => name !== without)
        const { clientMinMessages, ...options } = Object.fromEntries(settings.map(([name, [value]]) => [name, value]))
        const db = new Sequelize({
          dialect: 'postgres',
          ...{ databaseVersion: '8.0.2' },
          host,
          database,
          logging: false,
          ...options,
          dialectOptions: { ssl, stream, clientMinMessages },
          hooks: { beforeConnect: redshiftBeforeConnect(credentials) },
        })
        expect(await rejection(db.authenticate())).to.match(message)
        await db.close()
      })
  })

  it('Sequelize 7 reads typarray, whatever its settings are', async () => {
    const clients: pg.Client[] = []
    class Client extends pg.Client {
      constructor(config: pg.ClientConfig) {
        super(config)
        clients.push(this)
      }
    }
    const db = new core.Sequelize({
      dialect: PostgresDialect,
      pgModule: { ...pg, Client } as never,
      ...emulator.poolConfig(),
      logging: false,
      keepDefaultTimezone: true,
      standardConformingStrings: false,
      clientMinMessages: false,
      hooks: { beforeConnect: redshiftBeforeConnect(credentials) },
    })
    expect(await rejection(db.authenticate())).to.match(/typarray/)
    await db.close()
    // Sequelize leaves this connection open, which causes an unhandled rejection when the server ends it.
    for (const client of clients) await client.end()
  })

  it('TypeORM creates an extension for a uuid column, unless installExtensions is false', async () => {
    const sent: string[] = []
    const logger = { logQuery: (sql: string) => void sent.push(sql), log() {}, logMigration() {}, logQuerySlow() {} }
    const Item = new EntitySchema({ name: 'item', columns: { id: { type: 'uuid', primary: true, generated: 'uuid' } } })
    const initialize = async (options: { installExtensions?: boolean }) => {
      sent.length = 0
      const extra = redshiftPoolOptions(credentials, emulator.poolConfig())
      const db = new DataSource({
        type: 'postgres',
        extra,
        entities: [Item],
        logger: { ...logger, logQueryError() {}, logSchemaBuild() {} },
        ...options,
      })
      await db.initialize()
      await db.destroy()
      return sent.filter(sql => sql.startsWith('CREATE EXTENSION'))
    }
    expect(await initialize({})).to.have.lengthOf(1)
    expect(await initialize({ installExtensions: false })).to.have.lengthOf(0)
  })

  it('MikroORM sends the user postgres, unless the user is set to an empty string', async () => {
    const driverOptions = redshiftPoolOptions(credentials, emulator.poolConfig())
    const userOf = async (options: { user?: string }) => {
      const orm = await MikroORM.init({
        dbName: 'dev',
        driverOptions,
        discovery: { warnWhenNoEntities: false },
        ...options,
      })
      const [row] = await orm.em.execute<{ name: string }[]>('SELECT session_user AS name')
      await orm.close()
      return row?.name
    }
    // The emulator's PostgreSQL has a role of that name, but nobody can log in as it.
    expect((await rejection(userOf({}))).message).to.include('"postgres"')
    expect(await userOf({ user: '' })).to.equal('IAMR:analyst')
  })
})
