import type { Clock, Timer } from '../clock.js'
import type { StoreFailureReason, StoreOperation } from '../tracing.js'
import type { CredentialStore, StoredValue, StoreEntry } from './store.js'

/** The default time limit of one operation, in milliseconds. */
const OPERATION_MILLIS = 300
// A silent store costs one operation before AWS is called, a slow store three. At least a sixth of the deadline remains for AWS.
const SHARE = 1 / 6
// The limit is measured in slices, so that a process with a busy event loop does not mistake its own delay for the store's.
const SLICES = 3

/** The failure of one operation of a store. */
export class StoreFailure extends Error {
  readonly operation: StoreOperation
  readonly reason: StoreFailureReason
  readonly detail: string | undefined

  constructor(operation: StoreOperation, reason: StoreFailureReason, cause?: unknown) {
    super(`The store's operation ${operation} was not successful: ${reason}.`)
    this.operation = operation
    this.reason = reason
    this.detail = cause instanceof Error ? describe(cause) : undefined
  }
}

/** Replaces invalid properties of a value with ones that are rejected later, like a value that cannot be decrypted. */
const sanitized = ({ value, remainingMillis }: Partial<StoredValue>): StoredValue => ({
  value: typeof value === 'string' ? value : '',
  remainingMillis: Number(remainingMillis),
})

/** The name and code of an error. Its message could contain secrets: errors of AWS can quote a session token. */
function describe(error: Error): string {
  const { name, message, code } = error as { name: unknown; message: unknown; code?: unknown }
  // Messages of Redis start with an error code: OOM, READONLY, NOAUTH.
  const words = [name, code, typeof message === 'string' && /^[A-Z]{2,20}(?= )/.exec(message)?.[0]]
  return words.filter(word => typeof word === 'string' && /^\w{1,60}$/.test(word)).join(' ')
}

/** Wraps a store so that every operation ends within its time limit, with a valid result or a {@link StoreFailure}. */
export class BoundedStore {
  readonly #store: CredentialStore
  readonly #clock: Clock
  /** The time limit of each operation, in milliseconds. */
  readonly operationMillis: number

  /** @param deadlineMillis the time limit of the whole fetch */
  constructor(store: CredentialStore, clock: Clock, deadlineMillis: number) {
    this.#store = store
    this.#clock = clock
    this.operationMillis = Math.min(store.operationMillis ?? OPERATION_MILLIS, deadlineMillis * SHARE)
  }

  async read(key: string): Promise<StoreEntry> {
    return this.#bound('read', async signal => {
      const { stored, claimed } = ((await this.#store.read(key, signal)) ?? {}) as Partial<StoreEntry>
      return { stored: stored && sanitized(stored), claimed: claimed === true }
    })
  }

  /** @param late called if the claim succeeds after the operation has timed out */
  async claim(key: string, token: string, millis: number, late: () => void): Promise<boolean> {
    const claim = (signal: AbortSignal) => this.#store.claim(key, token, millis, signal)
    return (await this.#bound('claim', claim, claimed => claimed && late())) === true
  }

  async write(key: string, token: string, value: string, lifetimeMillis: number): Promise<boolean> {
    const write = (signal: AbortSignal) => this.#store.write(key, token, value, lifetimeMillis, signal)
    return (await this.#bound('write', write)) === true
  }

  release(key: string, token: string): Promise<void> {
    return this.#bound('release', signal => this.#store.release(key, token, signal))
  }

  remove(key: string, value: string): Promise<void> {
    return this.#bound('remove', signal => this.#store.remove(key, value, signal))
  }

  #bound<T>(
    operation: StoreOperation,
    run: (signal: AbortSignal) => Promise<T>,
    late?: (value: T) => void,
  ): Promise<T> {
    const controller = new AbortController()
    return new Promise((resolve, reject) => {
      let timer: Timer
      let open = true
      const end = (settle: () => void): void => {
        open = false
        timer.cancel()
        settle()
      }
      const timeOut = (): void => {
        if (!open) return
        end(() => reject(new StoreFailure(operation, 'slow')))
        controller.abort()
      }
      const wait = (slices: number): void => {
        // A response may have arrived while this process was busy. One turn of the event loop lets it be read.
        timer = this.#clock.setTimeout(
          () => (slices > 1 ? wait(slices - 1) : this.#clock.turn(timeOut)),
          this.operationMillis / SLICES,
        )
        timer.unref()
      }
      wait(SLICES)
      // An async function turns a synchronous exception of the store into a rejection.
      const running = (async () => run(controller.signal))()
      running.then(
        value => (open ? end(() => resolve(value)) : late?.(value)),
        error => open && end(() => reject(new StoreFailure(operation, 'failed', error))),
      )
    })
  }
}
