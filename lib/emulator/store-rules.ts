import { randomUUID } from 'node:crypto'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import { toKeys } from '../store/crypto.js'
import type { CredentialStore, StoreEntry } from '../store/store.js'

/** How long any call may take here, in milliseconds: it is the store that is judged, not the machine. */
const PATIENCE_MILLIS = 15_000
/** What a store may add to a claim, in milliseconds. */
const COARSENESS_MILLIS = 3_000
const MINUTE = 60_000
/** A value that ends soon, and one that ends later. */
const SHORT: readonly [string, number] = ['short', 20_000]
const LONG: readonly [string, number] = ['long', 100_000]

/** A rule that does not hold. */
export class Broken extends Error {}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new Broken(otherwise)
}

/** One key of the store, which nobody else has. */
export class Slot {
  readonly store: CredentialStore
  // As long as keys get, and of all their characters.
  readonly #key = `${randomUUID()}_check-store_ABCDEFGHIJK_xyz`.slice(0, 64)

  constructor(store: CredentialStore) {
    this.store = store
  }

  other(): Slot {
    return new Slot(this.store)
  }

  read(): Promise<StoreEntry> {
    return this.#call('read', signal => this.store.read(this.#key, signal))
  }

  async value(): Promise<string | undefined> {
    return (await this.read()).stored?.value
  }

  claim(token: string, millis = MINUTE, aborted?: AbortSignal): Promise<boolean> {
    return this.#call('claim', signal => this.store.claim(this.#key, token, millis, aborted ?? signal))
  }

  write(token: string, value: string, millis = MINUTE): Promise<boolean> {
    return this.#call('write', signal => this.store.write(this.#key, token, value, millis, signal))
  }

  release(token: string): Promise<void> {
    return this.#call('release', signal => this.store.release(this.#key, token, signal))
  }

  remove(value: string): Promise<void> {
    return this.#call('remove', signal => this.store.remove(this.#key, value, signal))
  }

  /** Claims, writes, and so gives the claim up. */
  async put(value: string, millis = MINUTE): Promise<void> {
    const token = randomUUID()
    must(await this.claim(token), 'a free key could not be claimed')
    must(await this.write(token, value, millis), 'write returned false to the token that holds the claim')
  }

  async #call<T>(operation: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    const patience = delay(PATIENCE_MILLIS, undefined, { signal: controller.signal, ref: true }).then(() => {
      throw new Broken(`${operation} did not end within ${PATIENCE_MILLIS} ms`)
    })
    patience.catch(() => {})
    try {
      return await Promise.race([run(new AbortController().signal), patience])
    } finally {
      controller.abort()
    }
  }
}

/** What a store has to do, each on a key of its own. */
export const RULES: Readonly<Record<string, (slot: Slot) => Promise<void>>> = {
  async 'A key that was never used has neither value nor claim'(slot) {
    const { stored, claimed } = await slot.read()
    must(stored === undefined, 'read gave a value')
    must(claimed === false, `claimed was ${inspect(claimed)}`)
  },

  async 'Of those who claim at once, one succeeds'(slot) {
    for (let round = 0; round < 3; round++) {
      const one = slot.other()
      const claims = await Promise.all(Array.from({ length: 20 }, () => one.claim(randomUUID())))
      const succeeded = claims.filter(claimed => claimed === true).length
      must(succeeded === 1, `${succeeded} of 20 succeeded`)
    }
  },

  async 'A claim is renewed by its own token, and fails for another'(slot) {
    must((await slot.claim('one')) === true, 'a free key could not be claimed')
    must((await slot.claim('two')) === false, 'a second token has claimed it')
    must((await slot.claim('one')) === true, 'its own token could not renew it')
    must((await slot.read()).claimed === true, 'read did not say that it is claimed')
  },

  async 'A renewal counts from when it is made'(slot) {
    await slot.claim('one', 1_000)
    await slot.claim('one', MINUTE)
    await delay(1_000 + COARSENESS_MILLIS)
    must((await slot.claim('two')) === false, 'the claim lapsed all the same')
  },

  async 'A claim of one key leaves the others alone'(slot) {
    const other = slot.other()
    await slot.claim('one')
    must((await other.read()).claimed === false, 'read says that another key is claimed')
    must((await other.claim('two')) === true, 'another key could not be claimed')
  },

  async 'Nothing is written without the claim'(slot) {
    must((await slot.write('one', 'value')) === false, 'write did not return false where nobody held a claim')
    await slot.claim('one')
    must((await slot.write('two', 'value')) === false, 'write did not return false to another token')
    must((await slot.value()) === undefined, 'the value is there')
    must((await slot.claim('one')) === true, 'the claim was lost')
  },

  async 'A write puts the value there and gives up the claim'(slot) {
    await slot.put('first')
    const { stored, claimed } = await slot.read()
    must(stored?.value === 'first', 'read did not give the value')
    must(claimed === false, 'the key is claimed still')
    await slot.put('second')
    must((await slot.value()) === 'second', 'the second value did not take the place of the first')
  },

  async 'A value comes back as it was'(slot) {
    const value = `v1.${'aZ09-_.+/='.repeat(400)}`
    await slot.put(value)
    must((await slot.value()) === value, 'a value of 4,000 characters came back changed')
  },

  async 'What is left of a lifetime is never more than there is, and grows less'(slot) {
    await slot.put('value', MINUTE)
    const first = (await slot.read()).stored?.remainingMillis ?? 0
    must(first <= MINUTE, `of ${MINUTE} ms, ${first} were left`)
    must(first > MINUTE - PATIENCE_MILLIS, `of ${MINUTE} ms, ${first} were left at once`)
    await delay(2_100)
    const second = (await slot.read()).stored?.remainingMillis ?? 0
    must(second <= first - 1_000, `2,100 ms later, ${second} were left of ${first}`)
  },

  async 'A value is read with its own lifetime'(slot) {
    let done = false
    const writing = (async () => {
      for (let round = 0; round < 20; round++) {
        await slot.put(...(round % 2 === 0 ? SHORT : LONG))
        await turn()
      }
    })().finally(() => {
      done = true
    })
    writing.catch(() => {})
    while (!done) {
      const { stored } = await slot.read()
      // Else a store in memory would keep everything else waiting.
      await turn()
      if (!stored) continue
      const [, whole] = stored.value === SHORT[0] ? SHORT : LONG
      const { remainingMillis } = stored
      must(remainingMillis <= whole && remainingMillis > whole - PATIENCE_MILLIS, 'it was paired with another lifetime')
    }
    await writing
  },

  async 'A value ends with its lifetime'(slot) {
    await slot.put('value', 1_000)
    await delay(1_000)
    must((await slot.value()) === undefined, 'read gave it later')
  },

  async 'A claim lapses by itself, not before its time, and then is lost'(slot) {
    const begin = performance.now()
    await slot.claim('one', 1_000)
    const claimed = performance.now()
    let asked: number
    do {
      asked = performance.now()
      must(asked - claimed < 1_000 + COARSENESS_MILLIS + PATIENCE_MILLIS, 'it did not lapse')
      await delay(50)
    } while (!(await slot.claim('two')))
    must(performance.now() - begin >= 1_000, 'it lapsed too soon')
    must((await slot.write('one', 'value')) === false, 'its first token could write')
    await slot.release('one')
    must((await slot.claim('three')) === false, 'its first token could give up the next claim')
    must((await slot.write('two', 'value')) === true, 'its second token could not write')
  },

  async 'A claim is given up by its own token, and the value stays'(slot) {
    await slot.put('value')
    await slot.claim('one')
    await slot.release('two')
    must((await slot.read()).claimed === true, 'another token gave it up')
    await slot.release('one')
    must((await slot.read()).claimed === false, 'it was not given up')
    must((await slot.value()) === 'value', 'the value is gone')
  },

  async 'A value is removed by name, and the claim stays'(slot) {
    await slot.remove('value')
    await slot.put('value')
    await slot.claim('one')
    await slot.remove('another')
    must((await slot.value()) === 'value', 'it went when another one was to be removed')
    await slot.remove('value')
    must((await slot.value()) === undefined, 'it was not removed')
    must((await slot.read()).claimed === true, 'the claim is gone')
  },

  async 'Nothing is sent when the signal has aborted'(slot) {
    await slot.claim('one', MINUTE, AbortSignal.abort()).catch(() => false)
    must((await slot.read()).claimed === false, 'the key was claimed')
  },

  async 'Neither inspection nor JSON shows the encryption keys'({ store }) {
    const shown = inspect(store, { depth: 9, showHidden: true }) + JSON.stringify(store)
    for (const key of store.encryptionKeys) {
      const bytes = toKeys([key])[0]?.export() ?? Buffer.of()
      const spellings = [bytes.toString('base64').slice(0, 42), bytes.toString('base64url').slice(0, 42)]
      const hex = bytes.toString('hex').slice(0, 40)
      spellings.push(hex, hex.replace(/(..)(?=.)/g, '$1 '), [...bytes.subarray(0, 20)].join())
      must(
        !spellings.some(spelling => shown.includes(spelling)),
        'they are there; keep them in a #private field, behind a getter',
      )
    }
  },
}
