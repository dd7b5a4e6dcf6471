import { expect } from 'chai'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { RedshiftCredentials } from '../lib/index.js'
import { startEmulator } from './support/emulator.js'
import { MemoryStore } from './support/memory-store.js'

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

  const create = (store: MemoryStore, endpoint = emulator.endpoint): RedshiftCredentials => {
    const { host, database } = emulator.poolConfig()
    const credentials = new RedshiftCredentials({ aws: { ...emulator.aws, endpoint }, host, database, store })
    made.push(credentials)
    return credentials
  }

  it('use the logins of others who ask the same AWS endpoint, and of no others', async () => {
    const store = new MemoryStore()
    // Another name of the same emulator: nothing but the endpoint differs.
    const elsewhere = emulator.endpoint.replace('127.0.0.1', 'localhost')
    const passwords = []
    for (const endpoint of [emulator.endpoint, emulator.endpoint, elsewhere])
      passwords.push((await create(store, endpoint).get()).password)
    expect(passwords[1]).to.equal(passwords[0])
    expect(passwords[2]).not.to.equal(passwords[0])
    expect(emulator.calls).to.have.length(2)
    expect(store.values.size).to.equal(2)
  })
})
