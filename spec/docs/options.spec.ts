import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import pg from 'pg'
import { AwsClients } from '../../lib/aws/client.js'
import type { Service } from '../../lib/aws/sdk-clients.js'
import { systemClock } from '../../lib/clock.js'
import { startRedshiftEmulator } from '../../lib/emulator/index.js'
import { FetchContext } from '../../lib/fetch-context.js'
import {
  RedshiftCredentials,
  type RedshiftCredentialsError,
  RedshiftPgClient,
  RedshiftPool,
  redshiftBeforeConnect,
  redshiftKnexConnection,
  redshiftPassword,
  redshiftPoolOptions,
} from '../../lib/index.js'
import type { AwsClientConfig } from '../../lib/options.js'
import { clientClass } from '../../lib/pg/client.js'
import { dynamoDbStore } from '../../lib/store/dynamodb.js'
import { redisStore } from '../../lib/store/redis.js'
import { readOptions, typedOptions } from '../support/foreign-options.js'
import { expectError, rejection, thrownBy } from '../support/rejection.js'

const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')
const rowsOf = (title: string): Map<string, string[]> => {
  const [, section = ''] = page.split(`\n## ${title}\n`)
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` \| (.+) \|$/gm)]
  return new Map(rows.map(([, option = '', cells = '']) => [option, cells.split(' | ')]))
}

const HOST = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const connection = { host: HOST, database: 'dev' }
const login = { DbUser: 'IAM:alice', DbPassword: 'secret', Expiration: new Date(Date.now() + 900_000) }
const source = { aws: { send: async () => login } }

/** Valid values for pg's constructors, by option; a number for all others. */
const samples: Readonly<Record<string, unknown>> = {
  Client: class extends pg.Client {},
  Promise: class extends Promise<unknown> {},
  connection: new EventEmitter(),
  connectionString: `postgres://${HOST}/dev`,
  host: HOST,
  database: 'dev',
  log: () => {},
  onConnect: () => {},
  password: 'hunter2',
  ssl: { ca: 'x' },
  sslnegotiation: 'direct',
  stream: () => idle(),
  user: 'IAM:alice',
  verify: () => {},
}
/** A socket that never connects. */
const idle = (): Socket => Object.assign(new Socket(), { connect: () => undefined })

const sampleOf = (option: string): unknown => samples[option] ?? 7

/** The configuration of a client of pg. */
function recorded(config: object): Record<string, unknown> {
  let seen = {}
  class Recorder extends pg.Client {
    constructor(given: object) {
      super(given)
      seen = given
    }
  }
  Reflect.construct(clientClass(Recorder), [config])
  return seen
}

/** Passes an option in each way, and returns what reaches the other end. Rejects if the option is rejected. */
const entries: readonly ((option: string, value: unknown) => Promise<object> | object)[] = [
  (option, value) => new RedshiftPool({ ...connection, redshift: source, [option]: value }).options,
  async (option, value) => {
    const config = { ...connection, redshift: source, [option]: value }
    // connect() rejects it. If it does not, nothing remains to be inspected.
    const client = new RedshiftPgClient({ ...config, stream: idle } as never)
    const failed = client.connect().catch((error: RedshiftCredentialsError) => error)
    await turn()
    await client.end()
    const error = await failed
    if (error instanceof Error && 'code' in error && error.code === 'ERR_REDSHIFT_OPTION') throw error
    return recorded(config)
  },
  (option, value) => redshiftPoolOptions(source, { ...connection, [option]: value }),
  (option, value) => {
    const made = redshiftKnexConnection(source, { ...connection, [option]: value })
    return made.call(undefined)
  },
  (option, value) => {
    for (const give of [
      (given: object) => redshiftPassword(given),
      (given: object) => new RedshiftCredentials(given),
      (given: object) => redshiftBeforeConnect(given),
      (given: object) => redshiftPoolOptions(given, connection),
      (given: object) => redshiftKnexConnection(given, connection),
      (given: object) => new RedshiftPool({ ...connection, redshift: given }),
    ])
      give({ ...source, [option]: value })
    return {}
  },
]

describe('docs/options.md', () => {
  const pgRows = rowsOf('pg and pg-pool')

  it('lists every option of pg and pg-pool, from their types and their sources', () => {
    // An option of a query, not of a client.
    const read = readOptions().filter(option => option !== 'submit')
    const all = [...new Set([...typedOptions('pg', 'PoolConfig'), ...read])]
    expect([...pgRows.keys()]).to.have.members(all)
    expect(all).to.include('maxUses').and.include('scramMaxIterations')
  })

  for (const [option, cells] of pgRows)
    it(`is right about ${option}`, async () => {
      expect(cells).to.have.length(entries.length)
      for (const [index, entry] of entries.entries()) {
        const value = sampleOf(option)
        const came = await Promise.resolve()
          .then(() => entry(option, value))
          .catch((error: RedshiftCredentialsError) => {
            if (error.code !== 'ERR_REDSHIFT_OPTION') throw error
            return undefined
          })
        expect(came === undefined, `${index}: ${cells[index]}`).to.equal(cells[index] === 'refused')
        if (cells[index] === 'passed on') expect(came).to.have.property(option, value)
      }
    })

  it('lists every option of the SDK, and each reaches it unchanged through aws', async () => {
    const all = [
      ...typedOptions('@aws-sdk/client-redshift', 'RedshiftClientConfig'),
      ...typedOptions('@aws-sdk/client-redshift-serverless', 'RedshiftServerlessClientConfig'),
    ]
    const options = [...rowsOf('The AWS SDK').keys()]
    expect(options).to.have.members([...new Set(all)])
    expect(options).to.include('requestHandler').and.include('profile')
    const aws = Object.fromEntries(options.map(option => [option, () => option]))
    let seen: object = {}
    const service: Service<object> = {
      serviceId: 'Redshift',
      load: async () => ({}),
      create: (_, config: AwsClientConfig) => {
        seen = config
        return { send: async () => ({}) }
      },
    }
    const call = { action: 'x', target: 'y', region: undefined, resources: [] }
    const clients = new AwsClients(aws as AwsClientConfig, systemClock, 1)
    await clients.send(service, undefined, call, () => ({}), new FetchContext(15_000))
    expect(seen).to.deep.equal(aws)
    expect(() => new RedshiftCredentials({ aws: aws as AwsClientConfig })).to.not.throw()
  })

  it('is right about stores and the emulator, which reject unknown options', async () => {
    const secret = Buffer.alloc(32, 7)
    const options = { encryptionKeys: [secret], identity: 'x', tableName: undefined, ttl: 5 }
    const client = { eval: async () => null, isOpen: true, send: async () => ({}) }
    const code = 'ERR_REDSHIFT_OPTION'
    expectError(
      thrownBy(() => redisStore(client as never, options as never)),
      { code, names: ['redisStore', '"ttl"', 'prefix'] },
    )
    expectError(
      thrownBy(() => dynamoDbStore(client, { ...options, tableName: 'logins' } as never)),
      { code, names: ['dynamoDbStore', '"ttl"', 'tableName'] },
    )
    for (const given of [{ lifetimeSecond: 5 }, { max: 5 }]) {
      const [name = ''] = Object.keys(given)
      const error = await rejection(startRedshiftEmulator(given as object))
      expect(error.message).to.include('startRedshiftEmulator').and.include(`"${name}"`)
    }
  })
})
