import { expect } from 'chai'
import fc from 'fast-check'
import { elapsed } from '../lib/clock.js'
import { RedshiftCredentialsError, type RedshiftErrorCode } from '../lib/errors.js'
import type { RedshiftLogin } from '../lib/login.js'
import { seededRandom } from './support/random.js'
import { type Behaviour, type Call, connect, type IssuedLogin, Simulation, settle } from './support/simulation.js'

const FETCH_TIMEOUT = 15_000
const BACKOFF_CAP = 5_000

type Response =
  | 'new'
  | 'other user'
  | 'same expiry'
  | 'earlier expiry'
  | 'same password'
  | 'no date'
  | 'past'
  | 'refresh soon'

/** AWS has no newer login yet: it responds with the expiry of the last one. */
interface NoNews {
  kind: 'no news'
  after: number
}

/** How the database server treats logins that are not revoked. */
type Server = 'accepts' | 'refuses once' | 'refuses here' | 'flaps' | 'refuses'

type Step =
  | { do: 'get'; key: string; callers: number; abortable: boolean }
  /** Calls the cache many times, at this interval in milliseconds; first waits until the login is stale if `aged`. AWS then behaves as set. */
  | { do: 'ask'; key: string; aged: boolean; as: Behaviour | NoNews | undefined; times: number; every: number }
  | { do: 'abort'; which: number }
  | { do: 'invalidate'; key: string; which: number }
  | { do: 'connect'; key: string; place: string; times: number; every: number }
  /** How the server behaves from now on. */
  | { do: 'serve'; as: Server }
  /** The server rejects every login that AWS has issued so far. */
  | { do: 'revoke' }
  /** Responds to a pending call, possibly after its deadline. */
  | { do: 'respond'; which: number; how: Response }
  | { do: 'fail'; which: number; code: RedshiftErrorCode; retryAfter: number | undefined }
  /** How AWS responds to calls from now on. */
  | { do: 'behave'; as: Behaviour | NoNews }
  | { do: 'pass' | 'suspend' | 'set the wall clock'; millis: number }

const key = fc.constantFrom('one', 'two', 'three', 'four')
const which = fc.nat(9)
const millis = fc.oneof(fc.nat(400), fc.nat(5_000), fc.nat(60_000), fc.nat(1_200_000))
const latency = fc.nat(300)
const code = fc.constantFrom<RedshiftErrorCode>(
  'ERR_REDSHIFT_UNAVAILABLE',
  'ERR_REDSHIFT_THROTTLED',
  'ERR_REDSHIFT_ACCESS_DENIED',
)
const retryAfter = fc.constantFrom(undefined, 10, 3_000, 3_600_000)
const how = fc.constantFrom<Response>(
  ...([
    'new',
    'new',
    'new',
    'other user',
    'same expiry',
    'earlier expiry',
    'same password',
    'no date',
    'past',
  ] as const),
  'refresh soon',
)
const as: fc.Arbitrary<Behaviour | NoNews> = fc.oneof(
  fc.record({ kind: fc.constant('login' as const), after: latency }),
  fc.record({ kind: fc.constant('fail' as const), after: latency, code }),
  fc.record({ kind: fc.constant('no news' as const), after: latency }),
  fc.constantFrom<Behaviour>({ kind: 'hang' }, { kind: 'sleep', retryAfter: 30_000 }),
)
const asking = fc.record({
  key,
  aged: fc.boolean(),
  as: fc.option(as, { nil: undefined }),
  times: fc.constantFrom(10, 100),
  every: fc.constantFrom(0, 1, 20, 100),
})
const server = fc.constantFrom<Server>('accepts', 'refuses once', 'refuses here', 'flaps', 'refuses')
const connecting = fc.record({
  key,
  place: fc.constantFrom('here', 'there'),
  times: fc.constantFrom(1, 1, 20),
  every: fc.constantFrom(0, 20, 3_000),
})
const a = <Name extends string, Rest>(weight: number, name: Name, rest: fc.RecordConstraints & fc.Arbitrary<Rest>) => ({
  weight,
  arbitrary: rest.map(values => ({ do: name, ...values })),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  a(8, 'get', fc.record({ key, callers: fc.integer({ min: 1, max: 3 }), abortable: fc.boolean() })),
  a(3, 'ask', asking),
  a(2, 'abort', fc.record({ which })),
  a(2, 'invalidate', fc.record({ key, which })),
  a(8, 'connect', connecting),
  a(2, 'serve', fc.record({ as: server })),
  a(2, 'revoke', fc.record({})),
  a(7, 'respond', fc.record({ which, how })),
  a(3, 'fail', fc.record({ which, code, retryAfter })),
  a(2, 'behave', fc.record({ as })),
  a(7, 'pass', fc.record({ millis })),
  a(1, 'suspend', fc.record({ millis })),
  a(1, 'set the wall clock', fc.record({ millis: fc.integer({ min: -3_600_000, max: 3_600_000 }) })),
)

const lifetimeOf = ({ expiration, serverTime }: IssuedLogin): number =>
  Math.min(+expiration - serverTime - 1_000, 3_600_000)

/** How long a login may be served after its call was sent: the rule, written independently of the cache. */
const servedFor = (issued: IssuedLogin): number => lifetimeOf(issued) - Math.min(10_000, lifetimeOf(issued) / 20)

/** How long the budget of fetches after rejections takes to grow by one. */
const refillOf = (lifetime: number): number => Math.min(60_000, lifetime / 15)

/** How long no call is made after a failure, while a login of this lifetime is served. */
const shortestPause = (issued: IssuedLogin): number => Math.min(250, lifetimeOf(issued) / 100)
/** The same if there is no login to serve. */
const SHORTEST_COLD_PAUSE = 250

/** The state when AWS was last called for a key. */
interface Asked {
  readonly signal: AbortSignal
  /** On the monotonic clock. */
  readonly at: number
  /** No other call before so many milliseconds have passed. */
  readonly pause: number
  readonly served: boolean
  /** The number of clock jumps up to then: after another jump, AWS may be called at once. */
  readonly jumps: number
  /** The calls of this one flight. */
  calls: number
}

interface Caller {
  readonly controller: AbortController
  state: 'waiting' | 'settled'
}

/** A cache, its users, and the rules that must never be broken. */
class Model {
  readonly sim: Simulation
  readonly #roomy: boolean
  readonly #callers: Caller[] = []
  /** Every login that was ever served, by key, in order. */
  readonly #served = new Map<string, RedshiftLogin[]>()
  /** By key: when AWS was called because a server had rejected a login, on the monotonic clock. */
  readonly #asks = new Map<string, number[]>()
  /** By key and place: whether the server accepted the last login. */
  readonly #accepted = new Map<string, boolean>()
  #connecting = 0
  /** Steps that change AWS, the server or the clocks. */
  #changes = 0
  #server: Server = 'accepts'
  /** The logins that AWS had issued when they were revoked. */
  #revoked = 0
  readonly #draw: () => number
  readonly #errors = new Set<unknown>()
  readonly #late = new Set<IssuedLogin>()
  readonly #asked = new Map<string, Asked>()
  #behaviour: Behaviour | NoNews = { kind: 'hang' }
  /** How often the machine was suspended, or the wall clock set. */
  #jumps = 0

  constructor({ seed, user, ...options }: { seed: number; user: string; lifetimeSeconds: number; maxEntries: number }) {
    const { maxEntries } = options
    this.sim = new Simulation({ ...options, fetchTimeoutMillis: FETCH_TIMEOUT, random: seededRandom(seed) })
    this.sim.aws.user = user
    this.#roomy = maxEntries >= 4
    this.#draw = seededRandom(seed)
    this.sim.aws.always = call => {
      expect(this.#live(keyOf(call)), 'flights for one key').to.deep.equal([call])
      this.#checkRate(call)
      const { kind, after } = { after: 0, ...this.#behaviour }
      if (kind !== 'no news') return this.#behaviour as Behaviour
      const last = this.#logins(keyOf(call)).at(-1)
      return { kind: 'login', after, login: last ? { user: last.user, expiration: last.expiration } : {} }
    }
  }

  #live(key: string): Call[] {
    return this.sim.aws.calls.filter(call => keyOf(call) === key && !call.settled && !call.signal.aborted)
  }

  #logins(key: string): RedshiftLogin[] {
    const logins = this.#served.get(key) ?? []
    this.#served.set(key, logins)
    return logins
  }

  /** What must be true of every login that the cache returns. */
  #check(key: string, login: RedshiftLogin): void {
    const calls = this.sim.aws.calls.filter(
      ({ issued }) => issued?.password === login.password && +issued.expiration === +login.expiration,
    )
    const now = this.sim.clock.now()
    const left = calls.map(({ issued, sentAt }) => (issued ? servedFor(issued) - elapsed(sentAt, now) : 0))
    expect(Math.max(...left), 'milliseconds left').to.be.above(0)
    expect(
      calls.map(({ issued }) => issued?.user),
      'user and password are one pair',
    ).to.include(login.user)
    expect(calls.map(keyOf), 'the key').to.include(key)
    expect(
      calls.some(({ issued }) => issued && !this.#late.has(issued)),
      'a response in time',
    ).to.equal(true)
    const logins = this.#logins(key)
    if (logins.at(-1) !== login) {
      if (this.#roomy) expect(logins, 'a login that was superseded').to.not.include(login)
      logins.push(login)
    }
  }

  get(key: string, abortable: boolean): Caller {
    const caller: Caller = { controller: new AbortController(), state: 'waiting' }
    this.#callers.push(caller)
    const { signal } = caller.controller
    // A caller without a place may wait for the fetch after a rejection without a place.
    const atOnce = this.#inDoubt(key) ? undefined : this.sim.cache.peek(key)
    this.sim
      .get(key, abortable ? signal : undefined)
      .then(
        login => {
          caller.state = 'settled'
          if (atOnce) expect(login).to.equal(atOnce)
          this.#check(key, login)
        },
        error => {
          caller.state = 'settled'
          expect(atOnce, 'a login that could have been served').to.equal(undefined)
          if (error === signal.reason) return
          expect(error).to.be.instanceOf(RedshiftCredentialsError)
          expect(this.#errors.has(error), 'an error that another caller has').to.equal(false)
          this.#errors.add(error)
        },
      )
      .catch(violation => this.violations.push(violation))
    return caller
  }
  readonly violations: unknown[] = []

  #inDoubt(key: string): boolean {
    return this.sim.cache.status().some(({ request, inDoubt }) => inDoubt && keyOf({ request }) === key)
  }

  #accepts({ password }: RedshiftLogin, place: string): boolean {
    if ([...this.sim.aws.issued.keys()].indexOf(password) < this.#revoked) return false
    if (this.#server === 'refuses once') {
      this.#server = 'accepts'
      return false
    }
    if (this.#server === 'flaps') return this.#draw() < 0.5
    return this.#server === 'accepts' || (this.#server === 'refuses here' && place !== 'here')
  }

  /** A pool opens a connection. If the server would accept a login, at most one rejection comes first, while AWS responds. */
  #connect(key: string, place: string): void {
    const now = this.sim.clock.monotonic
    const spot = `${key} ${place}`
    const asks = this.#asks.get(key) ?? []
    const promised =
      this.#roomy &&
      this.#server === 'accepts' &&
      this.#behaviour.kind === 'login' &&
      this.#accepted.get(spot) === true &&
      this.#live(key).length === 0 &&
      this.sim.cache.peek(key) !== undefined &&
      asks.every(at => now - at > 3 * refillOf(Math.max(...this.#lifetimes(key))))
    const changes = this.#changes
    let refusals = 0
    this.#connecting++
    connect(
      this.sim,
      place,
      login => {
        const accepted = this.#accepts(login, place)
        if (!accepted) refusals++
        this.#accepted.set(spot, accepted)
        return accepted
      },
      key,
    )
      .then(
        served =>
          promised &&
          changes === this.#changes &&
          expect({ served, refusals }).to.deep.equal({ served: true, refusals: refusals && 1 }),
        error => expect(error).to.be.instanceOf(RedshiftCredentialsError),
      )
      .catch(violation => this.violations.push(violation))
      .finally(() => this.#connecting--)
  }

  #issued(key: string): IssuedLogin[] {
    return this.sim.aws.calls.flatMap(call => (keyOf(call) === key && call.issued ? [call.issued] : []))
  }

  /** Among the logins that may be used. */
  #lifetimes(key: string): number[] {
    return this.#issued(key)
      .map(lifetimeOf)
      .filter(lifetime => lifetime >= 1_000)
  }

  async #age(key: string): Promise<void> {
    const status = this.sim.cache.status().find(({ request }) => keyOf({ request }) === key)
    if (status?.refreshAt) await this.sim.clock.advance(Math.max(0, +status.refreshAt - this.sim.clock.now().wall))
  }

  #respond(call: Call, how: Response): void {
    const { trueTime } = this.sim.clock
    const last = this.#logins(keyOf(call)).at(-1)
    // AWS repeats its newest login, which may never have been returned to a caller.
    const newest = this.sim.aws.calls.findLast(
      ({ issued, request }) => issued && keyOf({ request }) === keyOf(call),
    )?.issued
    const changes: Partial<IssuedLogin> =
      how === 'other user'
        ? { user: this.sim.aws.user && 'IAMR:loader' }
        : how === 'same expiry' && last
          ? { expiration: last.expiration }
          : how === 'earlier expiry' && last
            ? { expiration: new Date(+last.expiration - 1_000) }
            : how === 'same password' && newest
              ? { user: newest.user, password: newest.password }
              : how === 'no date'
                ? { expiration: new Date(Number.NaN) }
                : how === 'past'
                  ? { expiration: new Date(trueTime - 1_000) }
                  : how === 'refresh soon'
                    ? { nextRefreshTime: new Date(trueTime + 1_001), ...(last && { expiration: last.expiration }) }
                    : {}
    call.respond(changes)
    if (call.signal.aborted && call.issued) this.#late.add(call.issued)
  }

  async #do(step: Step): Promise<void> {
    const { cache, clock, aws } = this.sim
    if (!['get', 'abort', 'connect', 'pass'].includes(step.do)) this.#changes++
    const pick = <T>(list: readonly T[], index: number): T | undefined => list[index % list.length]
    const open = aws.calls.filter(call => !call.settled)
    if (step.do === 'get') for (let count = 0; count < step.callers; count++) this.get(step.key, step.abortable)
    else if (step.do === 'ask') {
      if (step.aged) await this.#age(step.key)
      this.#behaviour = step.as ?? this.#behaviour
      for (let count = 0; count < step.times; count++) {
        this.get(step.key, false)
        await this.sim.clock.advance(step.every)
        await settle()
      }
    } else if (step.do === 'abort') pick(this.#callers, step.which)?.controller.abort()
    else if (step.do === 'invalidate') {
      // Most often the latest one.
      const logins = this.#logins(step.key)
      const login = logins.at(step.which < 7 ? -1 : -(step.which % 3))
      const before = cache.peek(step.key)
      if (login) cache.invalidate(login)
      // A cache that is full may have evicted it, and keep it again when its lost flight ends.
      if (this.#roomy || before) expect(cache.peek(step.key), 'the login of the others').to.equal(before)
    } else if (step.do === 'connect') {
      for (let count = 0; count < step.times; count++) {
        this.#connect(step.key, step.place)
        await clock.advance(step.every)
        await settle()
      }
    } else if (step.do === 'serve') this.#server = step.as
    else if (step.do === 'revoke') this.#revoked = aws.issued.size
    else if (step.do === 'respond') {
      const call = pick(open, step.which)
      if (call) this.#respond(call, step.how)
    } else if (step.do === 'fail') {
      const call = pick(open, step.which)
      if (call) call.context.retryAfter = step.retryAfter
      call?.fail(step.code)
    } else if (step.do === 'behave') this.#behaviour = step.as
    else if (step.do === 'pass') await this.sim.clock.advance(step.millis)
    else if (step.do === 'suspend') {
      this.#jumps++
      clock.suspend(step.millis)
    } else {
      this.#jumps++
      clock.setWall(step.millis)
    }
    await settle()
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#do(step)
      this.#checkKept()
      if (this.violations.length > 0) throw this.violations[0]
    }
  }

  /** A login that was served is still served, whatever failed or was rejected since, until it expires or is replaced. */
  #checkKept(): void {
    const now = this.sim.clock.now()
    for (const [key, logins] of this.#served) {
      const peeked = this.sim.cache.peek(key)
      if (peeked) this.#check(key, peeked)
      const last = logins.at(-1)
      if (!last || !this.#roomy) continue
      const usable = this.sim.aws.calls.flatMap(call => {
        const { issued, sentAt } = call
        return keyOf(call) === key && issued && lifetimeOf(issued) >= 1_000 && !this.#late.has(issued)
          ? [{ issued, left: servedFor(issued) - elapsed(sentAt, now) }]
          : []
      })
      const isLast = ({ issued }: { issued: IssuedLogin }): boolean =>
        issued.password === last.password && +issued.expiration === +last.expiration
      // A doubted login may have been replaced by one that has expired since, also by one of the same expiry if a clock was set back.
      const isReplaced = usable.slice(usable.findLastIndex(isLast) + 1).some(({ left }) => left <= 0)
      const left = usable.filter(isLast).map(({ left }) => left)
      if (!isReplaced && Math.min(...left) > 0) expect(peeked, `the login of ${key}`).to.not.equal(undefined)
    }
  }

  /** However often callers ask: only elapsed time decides how soon AWS is called again for a key. */
  #checkRate({ signal, sentAt, ...call }: Call): void {
    if (!this.#roomy) return
    const key = keyOf(call)
    const last = this.#asked.get(key)
    if (last?.signal === signal) {
      // A login that expired in transit is fetched once more.
      if (++last.calls > 2) this.violations.push(new Error(`${last.calls} calls in one flight for ${key}`))
      return
    }
    const at = sentAt.monotonic
    const login = this.sim.cache.peek(key)
    const isAsk = this.#inDoubt(key)
    if (isAsk) this.#checkAsks(key, at)
    // A failed background refresh has no caller: when its login expires, the next caller gets a new fetch.
    const ended = last?.served && !login
    if (last && !ended && !isAsk && last.jumps === this.#jumps && at - last.at < last.pause)
      this.violations.push(new Error(`${key} was asked for again after ${at - last.at} ms, not after ${last.pause}`))
    const pauses = this.sim.aws.calls.flatMap(({ issued }) =>
      issued?.password === login?.password && issued ? [shortestPause(issued)] : [],
    )
    const pause = login ? Math.min(...pauses) : SHORTEST_COLD_PAUSE
    this.#asked.set(key, { signal, at, pause, served: login !== undefined, jumps: this.#jumps, calls: 1 })
  }

  /** Whatever the servers do: only elapsed time decides how often rejections cause a call to AWS. */
  #checkAsks(key: string, at: number): void {
    const asks = this.#asks.get(key) ?? []
    this.#asks.set(key, asks)
    asks.push(at)
    const refill = refillOf(Math.min(...this.#lifetimes(key)))
    for (const [index, first] of asks.entries())
      if (asks.length - index > 3 + (at - first) / refill)
        this.violations.push(new Error(`${asks.length - index} asks for ${key} within ${at - first} ms`))
  }

  /** AWS works again: all callers get a login within one deadline and the cap of the back-off. */
  async recover(): Promise<void> {
    this.#behaviour = { kind: 'login', after: 100 }
    for (const key of this.#served.keys()) {
      const most = (this.#live(key).length > 0 ? FETCH_TIMEOUT : 0) + BACKOFF_CAP + 300
      let passed = 0
      for (; !this.sim.cache.peek(key) && passed <= most; passed += 100) {
        this.get(key, false)
        await this.sim.clock.advance(100)
        await settle()
      }
      expect(passed, `milliseconds until ${key} is served`).to.be.at.most(most)
      if (!this.#roomy) break
    }
    await this.#settled()
  }

  async close(): Promise<void> {
    const { cache, clock } = this.sim
    cache.close()
    await settle()
    expect(clock.timers.filter(timer => timer.referenced)).to.have.lengthOf(0)
    expect(cache.status()).to.deep.equal([])
    const error = await this.sim.get('one').catch(error => error)
    expect(error.code).to.equal('ERR_REDSHIFT_CLOSED')
    await this.#settled()
  }

  /** No caller is left waiting. */
  async #settled(): Promise<void> {
    await this.sim.clock.advance(FETCH_TIMEOUT)
    await settle()
    expect(this.#callers.filter(({ state }) => state === 'waiting')).to.have.lengthOf(0)
    expect(this.#connecting, 'connections that are left waiting').to.equal(0)
    if (this.violations.length > 0) throw this.violations[0]
  }
}

const keyOf = ({ request }: Pick<Call, 'request'>): string =>
  'workgroupName' in request ? String(request.workgroupName) : ''

describe('the cache, in any sequence of events', () => {
  const rejections: unknown[] = []
  const note = (reason: unknown): void => {
    rejections.push(reason)
  }
  before(() => process.on('unhandledRejection', note))
  after(() => process.off('unhandledRejection', note))

  const set = fc.record({
    seed: fc.nat(),
    lifetimeSeconds: fc.constantFrom(6, 10, 60, 900, 3_600),
    maxEntries: fc.constantFrom(1, 2, 100),
    // A token is cached as a login without a user.
    user: fc.constantFrom('IAMR:analyst', ''),
  })
  const steps = fc.array(step, { minLength: 1, maxLength: 60, size: 'max' })

  it('keeps its rules, and recovers', async () => {
    await fc.assert(
      fc.asyncProperty(set, steps, fc.boolean(), async (settings, sequence, closes) => {
        const model = new Model(settings)
        await model.run(sequence)
        await (closes ? model.close() : model.recover())
        await new Promise(resolve => setImmediate(resolve))
        expect(rejections).to.deep.equal([])
      }),
      { numRuns: 400 },
    )
  })
})
