import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { type CredentialStore, RedshiftCredentials } from '../lib/index.js'
import { startEmulator } from './support/emulator.js'
import { codeBlocks } from './support/markdown.js'
import { LIFETIME_SECONDS, replaceable } from './support/replaceable.js'
import { until } from './support/until.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, '.cache/fleet')
const KEY = randomBytes(32)

type Fields = Record<string, string | number | undefined>

/** What the page asks of a table: here, of the conditions that DynamoDB knows, those that the page uses. */
class MemoryTable {
  readonly items = new Map<string, Fields>()

  async get(key: string): Promise<Fields | undefined> {
    const item = this.items.get(key)
    return item && { ...item }
  }

  async update(key: string, fields: Fields, condition: string, values: Fields): Promise<boolean> {
    const item = this.items.get(key) ?? {}
    const holds = condition.split(' OR ').some(part => part.split(' AND ').every(term => isTrue(term, item, values)))
    // DynamoDB refuses a value that it was given in vain.
    for (const name of Object.keys(values)) expect(condition, name).to.match(new RegExp(`:${name}\\b`))
    if (holds) this.items.set(key, { ...item, ...fields })
    return holds
  }
}

function isTrue(term: string, item: Fields, values: Fields): boolean {
  const [, absent] = /^attribute_not_exists\((\w+)\)$/.exec(term) ?? []
  if (absent) return item[absent] === undefined
  const [, field = '', operator, value = ''] = /^(\w+) ([<=>]) :(\w+)$/.exec(term) ?? []
  const [left, right] = [item[field], values[value]]
  if (right === undefined) throw new Error(`It cannot be decided: ${term}.`)
  if (left === undefined) return false
  return operator === '=' ? left === right : operator === '<' ? left < right : left > right
}

describe('The store on a table, of docs/fleet.md,', () => {
  let TableStore: new (table: MemoryTable, identity: string, keys: readonly Buffer[]) => CredentialStore
  let emulator: RedshiftEmulator
  let table: MemoryTable
  let store: CredentialStore
  const { signal } = new AbortController()

  before(async () => {
    const page = readFileSync(join(root, 'docs/fleet.md'), 'utf8')
    const { code } = codeBlocks(page, 'ts').find(block => block.code.includes('class TableStore')) ?? {}
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'table-store.ts'), code ?? '')
    TableStore = (await import(pathToFileURL(join(folder, 'table-store.ts')).href)).TableStore
    emulator = await startEmulator({ lifetimeSeconds: LIFETIME_SECONDS })
  })
  beforeEach(() => {
    table = new MemoryTable()
    store = new TableStore(table, 'reports', [KEY])
    emulator.calls.length = 0
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await emulator.close()
  })

  /** Credentials as each process of a fleet has them. */
  const share = (): RedshiftCredentials => {
    const { host, database } = emulator.poolConfig()
    const own = new TableStore(table, 'reports', [KEY])
    return new RedshiftCredentials({ aws: emulator.aws, host, database, store: own })
  }

  it('shares one login, for one call to AWS', async () => {
    const fleet = [share(), share()]
    const logins = await Promise.all(fleet.map(credentials => credentials.get()))
    expect(new Set(logins.map(({ password }) => password)).size).to.equal(1)
    expect(emulator.calls).to.have.lengthOf(1)
    expect((await share().get()).password).to.equal(logins[0]?.password)
    expect(emulator.calls).to.have.lengthOf(1)
  })

  it('loses a login that the server has refused, and shares the next one', async () => {
    const [one, other] = [share(), share()]
    const login = await one.get()
    await other.get()
    const sealed = () => [...table.items.values()].map(item => item.sealed)
    expect(sealed()).to.have.lengthOf(1).and.have.property('0').that.is.a('string')
    await replaceable(emulator)
    expect(one.invalidate(login)).to.equal(true)
    await until('it is removed', () => sealed()[0] === undefined)
    const next = await one.get()
    expect(next.password).not.to.equal(login.password)
    expect((await share().get()).password).to.equal(next.password)
    expect(emulator.calls).to.have.lengthOf(2)
  })

  it('is claimed by one at a time, and written to by nobody else', async () => {
    const tokens = ['one', 'two', 'three']
    const claims = await Promise.all(tokens.map(token => store.claim('key', token, 60_000, signal)))
    expect(claims).to.deep.equal([true, false, false])
    expect(await store.claim('key', 'one', 60_000, signal), 'a renewal').to.equal(true)
    expect(await store.write('key', 'two', 'wrong', 60_000, signal)).to.equal(false)
    expect(await store.write('key', 'one', 'value', 60_000, signal)).to.equal(true)
    expect(await store.read('key', signal)).to.have.property('value', 'value')
    await store.remove('key', 'another', signal)
    expect(await store.read('key', signal)).to.have.property('value', 'value')

    await store.release('key', 'two', signal)
    expect(await store.claim('key', 'two', 60_000, signal), 'while another holds it').to.equal(false)
    await store.release('key', 'one', signal)
    expect(await store.claim('key', 'two', -1, signal), 'when it was given up').to.equal(true)
    // That claim has lapsed already.
    expect(await store.write('key', 'two', 'late', 60_000, signal)).to.equal(false)
    expect(await store.claim('key', 'three', 60_000, signal)).to.equal(true)
    expect(await store.write('key', 'three', 'gone', -1, signal)).to.equal(true)
    expect(await store.read('key', signal), 'when it has expired').to.equal(undefined)
  })

  it('keeps its keys out of sight', () => {
    expect(JSON.stringify(store)).to.equal('{"identity":"reports"}')
  })
})
