import { isNamed, type Target } from './targets.js'
import type { ActiveFault, EmulatedOperation, Fault, FaultScope } from './types.js'

const loginOperations: readonly EmulatedOperation[] = [
  'GetClusterCredentials',
  'GetClusterCredentialsWithIAM',
  'GetCredentials',
  'GetIdentityCenterAuthToken',
]
const clockKinds = ['clock-skew', 'no-date', 'stale-date'] as const
const descriptionOperations: readonly EmulatedOperation[] = ['DescribeClusters', 'GetWorkgroup']
const gatewayKinds = ['reject-login', 'login-latency', 'login-hang', 'login-reset', 'no-hba-entry', 'resuming'] as const

/** A timer for longer would end at once. */
export const MAX_MILLIS = 2 ** 31 - 1

export const isMillis = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= MAX_MILLIS

export type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>

/** What a fault may meet: an AWS request, or a login at the gateway (no operation). */
export interface Meeting {
  readonly operation: EmulatedOperation | undefined
  readonly target: Target | undefined
}

/** A fault at work, with what the two servers need to know of it. */
export class FaultAtWork<F extends Fault = Fault> implements ActiveFault {
  readonly fault: F
  readonly scope: FaultScope
  /** Resolves when it is cleared. A fault that ended by its `times` goes on holding what it holds. */
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

  get active(): boolean {
    return !this.#isCleared && this.#hits < (this.scope.times ?? Number.POSITIVE_INFINITY)
  }

  meets({ operation, target }: Meeting): boolean {
    if (!this.active) return false
    if (this.scope.target !== undefined && !(target && isNamed(target, this.scope.target))) return false
    if (isOneOf(gatewayKinds, this.fault.kind)) return operation === undefined
    if (operation === undefined) return false
    if (this.scope.operation !== undefined) return operation === this.scope.operation
    if (this.fault.kind === 'creating') return descriptionOperations.includes(operation)
    return isOneOf(clockKinds, this.fault.kind) || loginOperations.includes(operation)
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

/** The faults that are at work, in the order in which they were made. */
export class Faults {
  #atWork: FaultAtWork[] = []

  add(fault: Fault, scope: FaultScope): ActiveFault {
    if (scope.times !== undefined && !(scope.times >= 1)) throw new RangeError('times: at least 1.')
    if ('millis' in fault && fault.millis !== undefined && !isMillis(fault.millis))
      throw new RangeError(`millis: ${fault.millis} is not between 0 and ${MAX_MILLIS}.`)
    const atWork = new FaultAtWork(fault, scope)
    this.#atWork = [...this.#atWork.filter(({ active }) => active), atWork]
    return atWork
  }

  /** All of these kinds that meet it, without a hit. */
  find<K extends Fault['kind']>(meeting: Meeting, ...kinds: readonly K[]): FaultAtWork<FaultOf<K>>[] {
    return this.#atWork.filter((atWork): atWork is FaultAtWork<FaultOf<K>> => {
      return isOneOf(kinds, atWork.fault.kind) && atWork.meets(meeting)
    })
  }

  /** All of these kinds that meet it; each has one hit more. */
  activeFaults<K extends Fault['kind']>(meeting: Meeting, ...kinds: readonly K[]): FaultAtWork<FaultOf<K>>[] {
    const met = this.find(meeting, ...kinds)
    for (const atWork of met) atWork.hit()
    return met
  }

  /** The first of these kinds that meets it; it alone has a hit more. */
  meetFirst<K extends Fault['kind']>(meeting: Meeting, ...kinds: readonly K[]): FaultOf<K> | undefined {
    const [first] = this.find(meeting, ...kinds)
    first?.hit()
    return first?.fault
  }

  clear(): void {
    for (const atWork of this.#atWork) atWork.clear()
    this.#atWork = []
  }
}

function isOneOf<K extends string>(kinds: readonly K[], kind: string): kind is K {
  return (kinds as readonly string[]).includes(kind)
}
