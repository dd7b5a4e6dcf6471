import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { RedshiftClient } from '@aws-sdk/client-redshift'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { RedshiftCredentials, type StoreMessage } from '../../lib/index.js'
import { redisStore } from '../../lib/store/redis.js'
import { startEmulator } from '../support/emulator.js'
import { MemoryStore } from '../support/memory-store.js'
import { expectError, thrownBy } from '../support/rejection.js'

describe('Credentials with a store', () => {
  let emulator: RedshiftEmulator
  const made: RedshiftCredentials[] = []

  before(async () => {
    emulator = await startEmulator()
  })
  after(async () => {
    await Promise.all(made.map(credentials => credentials.close()))
    await emulator.close()
  })

  const create = (store: MemoryStore, endpoint: unknown): RedshiftCredentials => {
    const { host, database } = emulator.poolConfig()
    const aws = { ...emulator.aws, endpoint: endpoint as string }
    const credentials = new RedshiftCredentials({ aws, host, database, store })
    made.push(credentials)
    return credentials
  }

  it('come from AWS at once if a Redis client does not return the result of a script', async () => {
    const messages: StoreMessage[] = []
    const note = (message: unknown): void => void messages.push(message as StoreMessage)
    subscribe('pg-redshift-iam:store', note)
    const { host, database } = emulator.poolConfig()
    // A client with callbacks returns nothing, one in a transaction QUEUED.
    for (const returned of [undefined, null, 'QUEUED', 1, {}]) {
      const answer = async () => returned
      const clients = [
        { isOpen: true, eval: answer },
        { status: 'ready', connect: answer, eval: answer },
        { customCommand: answer },
      ]
      for (const client of clients) {
        const store = redisStore(client, { encryptionKeys: [randomBytes(32)], identity: 'reports' })
        const credentials = new RedshiftCredentials({ aws: emulator.aws, host, database, store })
        made.push(credentials)
        const { length } = emulator.calls
        await credentials.get()
        expect(emulator.calls).to.have.lengthOf(length + 1)
        expect(
          messages.splice(0).map(({ event, operation, reason, detail }) => [event, operation, reason, detail]),
        ).to.deep.equal([['direct', 'read', 'failed', 'TypeError']])
      }
    }
    unsubscribe('pg-redshift-iam:store', note)
    emulator.calls.length = 0
  })

  it('share logins only for the same AWS endpoint', async () => {
    const store = new MemoryStore()
    // Another name of the same emulator: only the endpoint differs.
    const elsewhere = emulator.endpoint.replace('127.0.0.1', 'localhost')
    const passwords = []
    for (const endpoint of [emulator.endpoint, emulator.endpoint, elsewhere])
      passwords.push((await create(store, endpoint).get()).password)
    expect(passwords[1]).to.equal(passwords[0])
    expect(passwords[2]).not.to.equal(passwords[0])
    expect(emulator.calls).to.have.length(2)
    expect(store.values.size).to.equal(2)
  })

  it('share logins however the endpoint is set: as a string, a URL or its parts', async () => {
    const store = new MemoryStore()
    const { hostname, port } = new URL(emulator.endpoint)
    emulator.calls.length = 0
    const passwords: string[] = []
    for (const endpoint of [
      `${emulator.endpoint}/`,
      new URL(emulator.endpoint),
      { protocol: 'http:', hostname, port: Number(port), path: '/' },
      { url: new URL(emulator.endpoint) },
    ])
      passwords.push((await create(store, endpoint).get()).password)
    expect(new Set(passwords)).to.have.property('size', 1)
    expect(emulator.calls).to.have.length(1)
  })

  it('never share logins for another path, or for another endpoint in the environment', async () => {
    const { AWS_ENDPOINT_URL } = process.env
    const store = new MemoryStore()
    const passwords: string[] = []
    try {
      for (const endpoint of [`${emulator.endpoint}/a`, `${emulator.endpoint}/b`])
        passwords.push((await create(store, endpoint).get()).password)
      for (const endpoint of [emulator.endpoint, emulator.endpoint.replace('127.0.0.1', 'localhost')]) {
        process.env.AWS_ENDPOINT_URL = endpoint
        passwords.push((await create(store, undefined).get()).password)
      }
    } finally {
      delete process.env.AWS_ENDPOINT_URL
      if (AWS_ENDPOINT_URL !== undefined) process.env.AWS_ENDPOINT_URL = AWS_ENDPOINT_URL
    }
    expect(new Set(passwords)).to.have.property('size', 4)
    expect(store.values.size).to.equal(4)
  })

  it('are rejected if a function or a ready client chooses the endpoint, which may differ between processes', async () => {
    const endpoint = async () => ({ protocol: 'http:', hostname: 'localhost', path: '/' })
    const store = new MemoryStore()
    const { host, database } = emulator.poolConfig()
    const aws = new RedshiftClient({ ...emulator.aws, endpoint, region: 'us-west-2' })
    for (const attempt of [
      () => create(store, endpoint),
      () => new RedshiftCredentials({ aws, host, database, store }),
    ])
      expectError(thrownBy(attempt), { code: 'ERR_REDSHIFT_OPTION', names: ['store', 'aws: { endpoint }', 'URL'] })
    aws.destroy()
  })

  it('are rejected if the endpoint is not a URL', () => {
    for (const endpoint of ['localhost:4566', 'nonsense', { hostname: 'a b' }])
      expectError(
        thrownBy(() => create(new MemoryStore(), endpoint)),
        { code: 'ERR_REDSHIFT_OPTION', names: ['aws.endpoint', 'URL'] },
      )
    expectError(
      thrownBy(() => create(new MemoryStore(), 'ftp://user:hunter2@localhost')),
      { code: 'ERR_REDSHIFT_OPTION', names: ['aws.endpoint', 'URL'], omits: ['hunter2'] },
    )
  })
})
