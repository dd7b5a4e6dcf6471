import { type ActiveFault, type Fault, type FaultOf, type FaultScope, MAX_MILLIS, MAX_SECONDS } from './faults.js'
import type { EmulatedOperation } from './records.js'
import { hasName, type Target } from './targets.js'

const passwordOperations: readonly EmulatedOperation[] = [
  'GetClusterCredentials',
  'GetClusterCredentialsWithIAM',
  'GetCredentials',
]
const loginOperations: readonly EmulatedOperation[] = [...passwordOperations, 'GetIdentityCenterAuthToken']
const descriptionOperations: readonly EmulatedOperation[] = ['DescribeClusters', 'GetWorkgroup']
const clockKinds = ['clock-skew', 'no-date', 'stale-date'] as const
/** How a fault `malformed` breaks the response of any operation. Otherwise it changes a field of a login. */
const brokenDocuments = ['truncated', 'not-a-document', 'empty-body'] as const
const gatewayKinds = ['reject-login', 'login-latency', 'login-hang', 'login-reset', 'no-hba-entry', 'resuming'] as const

/** The smallest and the largest value of the numbers in faults. */
const bounds: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['millis', [0, MAX_MILLIS]],
  ['seconds', [-MAX_SECONDS, MAX_SECONDS]],
  ['ageSeconds', [0, MAX_SECONDS]],
  ['retryAfterSeconds', [0, MAX_SECONDS]],
])

/** The operations whose responses a fault can change; undefined for all. */
function changeableOperations(fault: Fault): readonly EmulatedOperation[] | undefined {
  if (fault.kind === 'creating') return descriptionOperations
  if (fault.kind === 'same-expiry') return loginOperations
  if (fault.kind !== 'malformed' || isOneOf(brokenDocuments, fault.how)) return undefined
  return /user/.test(fault.how) ? passwordOperations : loginOperations
}

/** An AWS request, or a login at the gateway. */
export interface Incoming {
  /** Undefined for a login. */
  readonly operation: EmulatedOperation | undefined
  readonly target: Target | undefined
}

/** A fault that was injected: the public interface, and what the two servers read. */
export class InjectedFault<F extends Fault = Fault> implements ActiveFault {
  readonly fault: F
  readonly scope: FaultScope
  /** Resolves when the fault is cleared. A fault that has ended by its `times` still holds the responses that it holds. */
  readonly cleared: Promise<void>
  #clear: () => void = () => {}
  #isCleared = false
  #hits = 0
  #waiting: { hits: number; resolve: () => void }[] = []

  constructor(fault: F, scope: FaultScope) {
    this.fault = fault
    this.scope = scope
    this.cleared = new Promise(resolve => {
      this.#clear = resolve
    })
  }

  get hits(): number {
    return this.#hits
  }

  get isActive(): boolean {
    return !this.#isCleared && this.#hits < (this.scope.times ?? Number.POSITIVE_INFINITY)
  }

  affects({ operation, target }: Incoming): boolean {
    if (!this.isActive) return false
    if (this.scope.target !== undefined && !(target && hasName(target, this.scope.target))) return false
    if (isOneOf(gatewayKinds, this.fault.kind)) return operation === undefined
    if (operation === undefined) return false
    if (this.scope.operation !== undefined) return operation === this.scope.operation
    if (isOneOf(clockKinds, this.fault.kind)) return true
    return (changeableOperations(this.fault) ?? loginOperations).includes(operation)
  }

  hit(): void {
    this.#hits += 1
    const reached = this.#waiting.filter(({ hits }) => hits <= this.#hits)
    this.#waiting = this.#waiting.filter(({ hits }) => hits > this.#hits)
    for (const { resolve } of reached) resolve()
  }

  async reached(hits = 1): Promise<void> {
    if (this.#hits >= hits) return
    await new Promise<void>(resolve => this.#waiting.push({ hits, resolve }))
  }

  clear(): void {
    this.#isCleared = true
    this.#clear()
  }

  [Symbol.dispose](): void {
    this.clear()
  }
}

/** The active faults, oldest first. */
export class ActiveFaults {
  #faults: InjectedFault[] = []

  /** @throws RangeError if a number is out of range, or if the fault cannot affect the operation or the target */
  add(fault: Fault, scope: FaultScope, targets: readonly Target[]): ActiveFault {
    const { target, operation } = scope
    if (target !== undefined && !targets.some(known => hasName(known, target)))
      throw new RangeError(
        `target: ${JSON.stringify(target)} is not emulated. Use one of ${targets.flatMap(({ name, hosts }) => [name, ...hosts]).join(', ')}.`,
      )
    const operations = changeableOperations(fault)
    if (operation !== undefined && operations && !operations.includes(operation))
      throw new RangeError(
        `operation: the fault ${fault.kind} does not change ${operation}. Use one of ${operations.join(', ')}, or leave it out.`,
      )
    if (scope.times !== undefined && !(scope.times >= 1))
      throw new RangeError(`times: ${scope.times} is not at least 1. Leave it out for no limit.`)
    for (const [name, value] of Object.entries(fault)) {
      const [min, max] = bounds.get(name) ?? []
      if (min === undefined || max === undefined || value === undefined) continue
      if (!(typeof value === 'number' && value >= min && value <= max))
        throw new RangeError(`${name}: ${value} is not between ${min} and ${max}.`)
    }
    const injected = new InjectedFault(fault, scope)
    this.#faults = [...this.#faults.filter(({ isActive }) => isActive), injected]
    return injected
  }

  /** Returns all faults of these kinds that affect it, and counts no hit. */
  find<K extends Fault['kind']>(incoming: Incoming, ...kinds: readonly K[]): InjectedFault<FaultOf<K>>[] {
    return this.#faults.filter((injected): injected is InjectedFault<FaultOf<K>> => {
      return isOneOf(kinds, injected.fault.kind) && injected.affects(incoming)
    })
  }

  /** Returns all faults of these kinds that affect it, and counts a hit for each. */
  hitAll<K extends Fault['kind']>(incoming: Incoming, ...kinds: readonly K[]): InjectedFault<FaultOf<K>>[] {
    const found = this.find(incoming, ...kinds)
    for (const injected of found) injected.hit()
    return found
  }

  /** Returns the first fault of these kinds that affects it, and counts a hit for that one only. */
  hitFirst<K extends Fault['kind']>(incoming: Incoming, ...kinds: readonly K[]): FaultOf<K> | undefined {
    const [first] = this.find(incoming, ...kinds)
    first?.hit()
    return first?.fault
  }

  clear(): void {
    for (const injected of this.#faults) injected.clear()
    this.#faults = []
  }
}

function isOneOf<K extends string>(kinds: readonly K[], kind: string): kind is K {
  return (kinds as readonly string[]).includes(kind)
}
