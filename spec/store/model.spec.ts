import { expect } from 'chai'
import fc from 'fast-check'
import { RedshiftCredentialsError } from '../../lib/index.js'
import {
  type AwsCall,
  SimulatedFleet,
  type SimulatedHost,
  type StoreBehaviour,
  type StoreCall,
} from '../support/fleet.js'
import { seededRandom } from '../support/random.js'

const TARGETS = ['examplecluster', 'other']
const LIFETIME = 899_000

type Step =
  | { readonly kind: 'get'; readonly host: number; readonly target: number }
  | { readonly kind: 'pass'; readonly millis: number }
  | { readonly kind: 'kill'; readonly host: number }
  | { readonly kind: 'start'; readonly wallError: number }
  | { readonly kind: 'set-clock'; readonly host: number; readonly millis: number }
  | { readonly kind: 'refuse'; readonly host: number; readonly target: number }

const host = fc.nat(9)
const target = fc.nat(TARGETS.length - 1)
const get = fc.record({ kind: fc.constant('get' as const), host, target })
const millis = fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(20_000), fc.nat(400_000))
const pass = fc.record({ kind: fc.constant('pass' as const), millis })
const kill = fc.record({ kind: fc.constant('kill' as const), host })
const wallError = fc.integer({ min: -86_400_000, max: 86_400_000 })
const start = fc.record({ kind: fc.constant('start' as const), wallError })
const setClock = fc.record({ kind: fc.constant('set-clock' as const), host, millis: wallError })
const refuse = fc.record({ kind: fc.constant('refuse' as const), host, target })

const steps = (...others: { weight: number; arbitrary: fc.Arbitrary<Step> }[]): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof({ weight: 10, arbitrary: get }, { weight: 6, arbitrary: pass }, ...others), {
    minLength: 10,
    maxLength: 80,
  })

/** A run of the fleet, which checks every login that any process gets. */
class Run {
  readonly fleet: SimulatedFleet
  readonly killedAt = new Map<SimulatedHost, number>()
  readonly failures: unknown[] = []
  readonly #clockSettings = new Map<SimulatedHost, number>()
  #open = 0
  refusals = 0

  constructor(seed: number, size = 5) {
    this.fleet = new SimulatedFleet(size, { random: seededRandom(seed) })
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step)
    // Every waiting caller is settled within its deadline.
    await this.fleet.time.advance(15_100)
    expect(this.#open, 'callers that were left waiting').to.equal(0)
  }

  async #step(step: Step): Promise<void> {
    const { fleet } = this
    const living = fleet.hosts.filter(({ alive }) => alive)
    const one = 'host' in step ? living[step.host % living.length] : undefined
    if (step.kind === 'pass') await fleet.time.advance(step.millis)
    else if (step.kind === 'start') fleet.start({ wallError: step.wallError })
    else if (!one) return
    else if (step.kind === 'get') this.#get(one, TARGETS[step.target] ?? '')
    else if (step.kind === 'set-clock') {
      one.wallError += step.millis
      this.#clockSettings.set(one, (this.#clockSettings.get(one) ?? 0) + 1)
    } else if (step.kind === 'refuse') this.#refuse(one, TARGETS[step.target] ?? '')
    else if (living.length > 1) {
      one.kill()
      this.killedAt.set(one, fleet.time.now)
    }
    // The caller of a process that was killed no longer waits.
    if (step.kind === 'kill' && one && !one.alive) this.#open -= this.#waiting.get(one) ?? 0
  }

  readonly #waiting = new Map<SimulatedHost, number>()

  #get(host: SimulatedHost, target: string): void {
    const { fleet } = this
    const end = fleet.time.now + 15_050
    const count = (by: number): void => {
      if (!host.alive) return
      this.#open += by
      this.#waiting.set(host, (this.#waiting.get(host) ?? 0) + by)
    }
    count(1)
    const fail = (error: unknown): void => {
      // A login that seems to expire in transit is fetched once more, and the clock may be set forward again meanwhile.
      const isClock = error instanceof RedshiftCredentialsError && error.code === 'ERR_REDSHIFT_RESPONSE'
      if (!isClock || (this.#clockSettings.get(host) ?? 0) < 2) this.failures.push(error)
    }
    host
      .get(target)
      .then(({ password }) => {
        const issued = fleet.issued.get(password)
        expect(issued?.target, 'a login for this target').to.equal(target)
        expect((issued?.expiration ?? 0) - fleet.time.now, 'what is left of it').to.be.above(0)
        expect(fleet.time.now).to.be.at.most(end)
      })
      .catch(fail)
      .finally(() => count(-1))
  }

  #refuse(host: SimulatedHost, target: string): void {
    const login = host.cache.peek(target)
    if (!login) return
    host.cache.accepted(login, 'here')
    if (host.cache.invalidate(login, 'here')) this.refusals++
    expect(host.cache.peek(target), 'the login of the others').to.equal(login)
  }
}

describe('in any sequence of events, a fleet', () => {
  const runs = { numRuns: 300 }
  const seed = fc.integer()

  it('makes one call per lifetime, and one more if the owner of the claim is killed or the server rejects the login', () =>
    fc.assert(
      fc.asyncProperty(
        seed,
        steps({ weight: 1, arbitrary: kill }, { weight: 1, arbitrary: start }, { weight: 1, arbitrary: refuse }),
        async (seed, script) => {
          const run = new Run(seed)
          const random = seededRandom(seed)
          run.fleet.aws = () => ({ after: 20 + random() * 2_000 })
          run.fleet.store.behaviour = () => ({ after: random() * 50, reply: 50 + random() * 200 })
          await run.play(script)
          expect(run.failures).to.deep.equal([])
          for (const target of TARGETS) {
            const calls = run.fleet.calls.filter(call => call.target === target)
            const early = calls.filter((call, index) => {
              const last = calls[index - 1]
              if (!last || call.at - last.at > LIFETIME * 0.49) return false
              // Close to the expiry of a login, the last call may have been abandoned, or there was no time to wait for its owner.
              if (calls.some(({ at }) => Math.abs(call.at - at - LIFETIME) < 20_000)) return false
              // The login of the last owner was not in the store before it was killed.
              const killed = run.killedAt.get(last.host) ?? Number.POSITIVE_INFINITY
              return killed > (last.respondedAt ?? Number.POSITIVE_INFINITY) + 50
            })
            expect(early.length, `calls for ${target} that were not needed`).to.be.at.most(run.refusals)
          }
        },
      ),
      runs,
    ))

  it('never gets an expired, wrong or missing login while AWS responds, whatever the store does', () =>
    fc.assert(
      fc.asyncProperty(
        seed,
        steps(
          { weight: 1, arbitrary: kill },
          { weight: 1, arbitrary: start },
          { weight: 1, arbitrary: setClock },
          { weight: 1, arbitrary: refuse },
        ),
        async (seed, script) => {
          const run = new Run(seed)
          const random = seededRandom(seed)
          run.fleet.store.behaviour = call => misbehave(run.fleet, call, random)
          run.fleet.aws = () => ({ after: 20 + random() * 1_000 })
          await run.play(script)
          expect(run.failures).to.deep.equal([])
        },
      ),
      runs,
    ))

  it('never gets an expired or wrong login while AWS fails too, and every call is settled in time', () =>
    fc.assert(
      fc.asyncProperty(
        seed,
        steps({ weight: 1, arbitrary: kill }, { weight: 1, arbitrary: setClock }, { weight: 1, arbitrary: refuse }),
        async (seed, script) => {
          const run = new Run(seed)
          const random = seededRandom(seed)
          run.fleet.store.behaviour = call => (random() < 0.5 ? {} : misbehave(run.fleet, call, random))
          run.fleet.aws = (_: AwsCall) => ({ after: random() * 4_000, fails: random() < 0.4, silent: random() < 0.2 })
          await run.play(script)
          const wrong = run.failures.filter(
            error =>
              !(
                error instanceof Error &&
                'code' in error &&
                /^ERR_REDSHIFT_(UNAVAILABLE|TIMEOUT)$/.test(String(error.code))
              ),
          )
          expect(wrong).to.deep.equal([])
        },
      ),
      runs,
    ))
})

/** A store that is slow, loses data, fails, repeats itself or returns false data. */
function misbehave(fleet: SimulatedFleet, { operation }: StoreCall, random: () => number): StoreBehaviour {
  const values = [...fleet.store.values.values()]
  const { value: other = '', until = 0 } = values[Math.floor(random() * values.length)] ?? {}
  // A false claim that an expired login is valid is the only one that the server alone can detect.
  const left = Math.min(LIFETIME / 2, until - fleet.time.now)
  const lies: Record<StoreCall['operation'], unknown[]> = {
    read: [
      { stored: { value: other, remainingMillis: left }, claimed: false },
      { stored: { value: other, remainingMillis: left }, claimed: true },
      { stored: { value: other.slice(0, -1), remainingMillis: 1_000 } },
      { stored: { value: other, remainingMillis: LIFETIME * 2 }, claimed: 'garbage' },
      { stored: { value: 'garbage', remainingMillis: Number.NaN }, claimed: false },
      { claimed: true },
      null,
      'garbage',
    ],
    claim: [true, false, 'garbage'],
    write: [true, false],
    release: [null],
    remove: [null],
  }
  const behaviours: StoreBehaviour[] = [
    {},
    { after: random() * 50 },
    { after: random() * 280 },
    { reply: 300 + random() * 5_000 },
    { after: 300 + random() * 5_000 },
    { fails: true },
    { lost: true, fails: true },
    { lost: true, silent: true },
    { silent: true },
    { throws: true },
    { lie: lies[operation][Math.floor(random() * lies[operation].length)] },
    { lost: true, lie: lies[operation][Math.floor(random() * lies[operation].length)] },
  ]
  return behaviours[Math.floor(random() * behaviours.length)] ?? {}
}
