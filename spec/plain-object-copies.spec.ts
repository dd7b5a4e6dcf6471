import { Agent } from 'node:http'
import { RedshiftClient } from '@aws-sdk/client-redshift'
import { expect } from 'chai'
import pg from 'pg'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import {
  RedshiftCredentials,
  type RedshiftOptions,
  RedshiftPgClient,
  RedshiftPool,
  redshiftBeforeConnect,
  redshiftKnexConnection,
  redshiftPassword,
  redshiftPoolOptions,
} from '../lib/index.js'
import { disclosures } from './support/disclosure.js'
import { cleanUp, startEmulator } from './support/emulator.js'
import { expectError, rejection } from './support/rejection.js'

type Writable<T> = { -readonly [name in keyof T]: T[name] }

describe('Options that change after they were passed', () => {
  let emulator: RedshiftEmulator
  const environment = { ...process.env }

  before(async () => {
    emulator = await startEmulator({
      users: ['alice', 'bob'],
      identities: { AKIAALICE0000000000: 'IAMR:alice', AKIABOB000000000000: 'IAMR:bob' },
    })
  })
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name]
  })
  cleanUp(() => emulator)

  const keys = (accessKeyId: string) => ({ accessKeyId, secretAccessKey: 'secret', sessionToken: 'token' })
  const setEnvironment = (accessKeyId: string): void => {
    const { secretAccessKey, sessionToken } = emulator.aws.credentials
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_ENDPOINT_URL: emulator.endpoint,
    })
  }
  const userOf = async (client: pg.Client): Promise<unknown> => {
    await client.connect()
    const { rows } = await client.query('select current_user')
    await client.end()
    return rows[0].current_user
  }
  const userOfPool = async (pool: pg.Pool): Promise<unknown> => {
    const { rows } = await pool.query('select current_user')
    return rows[0].current_user
  }
  /** Options, and a function that changes everything in them that a caller may still reference. */
  const changeable = () => {
    const aws = { endpoint: emulator.endpoint, credentials: { ...emulator.aws.credentials } }
    const redshift: Writable<RedshiftOptions> & { dbGroups: string[] } = {
      aws,
      dbUser: 'alice',
      dbGroups: ['readers'],
      autoCreate: true,
    }
    return {
      redshift,
      change: (): void => {
        redshift.dbUser = 'bob'
        redshift.dbGroups.push('Writers!')
        redshift.durationSeconds = 5
        aws.endpoint = 'http://127.0.0.1:9'
        Object.assign(aws.credentials, keys('AKIABOB000000000000'))
      },
    }
  }

  describe('do not reach', () => {
    it('credentials or the password function, before or after their first use', async () => {
      const { redshift, change } = changeable()
      const credentials = new RedshiftCredentials(redshift)
      const password = redshiftPassword(redshift)
      change()
      for (const _ of [1, 2]) expect((await credentials.get(emulator.poolConfig())).user).to.equal('IAMA:alice:readers')
      await password({ ...emulator.poolConfig(), user: 'IAMA:alice:readers', ssl: true })
      for (const { parameters } of emulator.calls)
        expect(parameters).to.deep.include({ DbUser: 'alice', DbGroups: ['readers'] })
      expect(emulator.calls.map(({ accessKeyId }) => accessKeyId)).to.deep.equal(
        emulator.calls.map(() => emulator.aws.credentials.accessKeyId),
      )
    })

    it('a pool, or one of redshiftPoolOptions()', async () => {
      for (const make of [
        (redshift: RedshiftOptions) => new RedshiftPool({ ...emulator.poolConfig(), redshift, maxUses: 1 }),
        (redshift: RedshiftOptions) =>
          new pg.Pool(redshiftPoolOptions(redshift, { ...emulator.poolConfig(), maxUses: 1 })),
      ]) {
        const { redshift, change } = changeable()
        const pool = make(redshift)
        change()
        expect(await userOfPool(pool)).to.equal('IAMA:alice:readers')
        expect(await userOfPool(pool)).to.equal('IAMA:alice:readers')
        await pool.end()
      }
    })

    it('the functions for Knex and Sequelize', async () => {
      const { redshift, change } = changeable()
      const connection = redshiftKnexConnection(redshift, emulator.poolConfig())
      const beforeConnect = redshiftBeforeConnect(redshift)
      const { host, database } = emulator.poolConfig()
      const config = { host, database, dialectOptions: { ssl: true }, username: '' }
      change()
      expect(await connection.call(undefined)).to.have.property('user', 'IAMA:alice:readers')
      await beforeConnect(config)
      expect(config.username).to.equal('IAMA:alice:readers')
    })
  })

  describe('are used by the next RedshiftPgClient', () => {
    it('if the options of the last one have changed', async () => {
      const redshift: Writable<RedshiftOptions> = { aws: emulator.aws, dbUser: 'alice' }
      const next = () => new RedshiftPgClient({ ...emulator.poolConfig(), redshift })
      const first = next()
      redshift.dbUser = 'bob'
      const second = next()
      expect(await userOf(second)).to.equal('bob')
      expect(await userOf(first)).to.equal('alice')
      redshift.aws = { ...emulator.aws, credentials: keys('AKIABOB000000000000') }
      delete redshift.dbUser
      expect(await userOf(next())).to.equal('IAMR:bob')
    })

    it('with the same login if they are equal', async () => {
      const redshift = { aws: emulator.aws, dbUser: 'alice', dbGroups: ['readers'], autoCreate: true }
      for (const _ of [1, 2, 3]) await userOf(new RedshiftPgClient({ ...emulator.poolConfig(), redshift }))
      expect(emulator.calls).to.have.length(1)
    })

    for (const redshift of [undefined, {}])
      it(`if the AWS environment has changed, and ${redshift ? 'the options do not override it' : 'there are no options'}`, async () => {
        const next = () => new RedshiftPgClient({ ...emulator.poolConfig('serverless'), redshift })
        const users = []
        for (const id of ['AKIAALICE0000000000', 'AKIAALICE0000000000', 'AKIABOB000000000000', 'AKIAALICE0000000000']) {
          setEnvironment(id)
          users.push(await userOf(next()))
        }
        expect(users).to.deep.equal(['IAMR:alice', 'IAMR:alice', 'IAMR:bob', 'IAMR:alice'])
        expect(emulator.calls).to.have.length(3)
      })
  })

  it('are combined with PGUSER, PGDATABASE and PGHOST, which are read for each login', async () => {
    const credentials = new RedshiftCredentials({ aws: emulator.aws })
    const password = redshiftPassword({ aws: emulator.aws, requireTls: false })
    const users: string[] = []
    Object.assign(process.env, { PGHOST: emulator.poolConfig().host, PGDATABASE: 'dev' })
    try {
      for (const user of ['IAM:alice', 'IAM:bob']) {
        process.env.PGUSER = user
        users.push((await credentials.get()).user)
        const client = new pg.Client({ ...emulator.poolConfig(), password })
        await client.connect()
        users.push((await client.query('select session_user')).rows[0].session_user)
        await client.end()
      }
    } finally {
      for (const name of ['PGHOST', 'PGDATABASE', 'PGUSER']) delete process.env[name]
    }
    expect(users).to.deep.equal(['IAM:alice', 'IAM:alice', 'IAM:bob', 'IAM:bob'])
  })

  it('are not copied if they are instances: a client, a provider, an agent, a logger with state', async () => {
    const agent = new Agent({ keepAlive: true })
    const logger = {
      lines: 0,
      debug() {},
      info() {
        this.lines++
      },
      warn() {},
      error() {},
    }
    const credentials = async () => emulator.aws.credentials
    const aws = { endpoint: emulator.endpoint, credentials, logger, requestHandler: { httpAgent: agent } }
    const used = new RedshiftCredentials({ aws, region: 'us-west-2' })
    await used.get(emulator.poolConfig())
    expect(logger.lines).to.be.greaterThan(0)
    expect(Object.keys(agent.freeSockets)).to.have.length(1)
    await used.close()
    agent.destroy()
  })

  it('leave an agent of the application open when they are closed, and nothing else', async () => {
    for (const handlerOf of [
      (httpAgent: Agent) => ({ httpAgent, requestTimeout: 5_000 }),
      (httpAgent: Agent) => new Proxy({}, { get: (_, name) => Reflect.get({ httpAgent }, name) }),
      // A ready handler, as the SDK makes one.
      (httpAgent: Agent) => new RedshiftClient({ requestHandler: { httpAgent } }).config.requestHandler,
    ]) {
      const httpAgent = new Agent({ keepAlive: true })
      const aws = { ...emulator.aws, requestHandler: handlerOf(httpAgent) }
      const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: { aws } })
      await userOfPool(pool)
      expect(Object.keys(httpAgent.freeSockets)).to.have.length(1)
      await pool.end()
      const sockets = Object.values(httpAgent.freeSockets).flat()
      expect(sockets).to.have.length(1)
      expect(sockets[0]).to.have.property('destroyed', false)
      httpAgent.destroy()
    }
  })

  describe('with AWS keys', () => {
    it('are rejected by a client of a stock pool, whose options would show them', async () => {
      const redshift = { aws: emulator.aws }
      const config = emulator.poolConfig('serverless')
      const pool = new pg.Pool({ ...config, Client: RedshiftPgClient, redshift } as pg.PoolConfig)
      const error = await rejection(pool.query('select 1'))
      expectError(error, {
        code: 'ERR_REDSHIFT_OPTION',
        names: ['redshift.aws.credentials', 'redshift: new RedshiftCredentials', 'RedshiftPool'],
      })
      expect(disclosures(error, Object.values(emulator.aws.credentials))).to.deep.equal([])
      expect(emulator.calls).to.have.length(0)
      await pool.end()
    })

    it('are in no pool that works', async () => {
      const config = emulator.poolConfig('serverless')
      const redshift = new RedshiftCredentials({ aws: emulator.aws })
      const pools = [
        new pg.Pool({ ...config, Client: RedshiftPgClient, redshift } as pg.PoolConfig),
        new pg.Pool(redshiftPoolOptions({ aws: emulator.aws }, config)),
        new RedshiftPool({ ...config, redshift: { aws: emulator.aws } }),
      ]
      for (const pool of pools) {
        expect(await userOfPool(pool)).to.equal('IAMR:analyst')
        expect(disclosures(pool, Object.values(emulator.aws.credentials))).to.deep.equal([])
        await pool.end()
      }
    })
  })
})
