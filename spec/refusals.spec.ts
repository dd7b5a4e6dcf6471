import { expect } from 'chai'
import type { Instant } from '../lib/clock.js'
import { Refusals } from '../lib/refusals.js'
import { figure } from './support/figure.js'
import { seededRandom } from './support/random.js'
import { connect, Simulation, settle } from './support/simulation.js'

const LIFETIME = 900_000
const SECOND = 1_000
const MINUTE = 60_000
const at = (millis: number): Instant => ({ wall: 1e12 + millis, monotonic: millis })

describe('a rejection', () => {
  let refusals: Refusals
  beforeEach(() => {
    refusals = new Refusals()
  })
  /** The outcome of a rejection, after which AWS returns another login. */
  const refuse = (place: string | undefined, millis: number, lifetime = LIFETIME): string => {
    const verdict = refusals.refused(place, lifetime, at(millis))
    refusals.settle()
    return verdict
  }

  it('causes a fetch the first time, at any place', () => {
    expect(refuse('one', 0)).to.equal('requested')
    expect(new Refusals().refused(undefined, LIFETIME, at(0))).to.equal('requested')
  })

  it('causes fewer and fewer fetches at a place that keeps rejecting: after 10 seconds, then twice as long, up to 5 minutes', () => {
    const moments: number[] = []
    for (let millis = 0; millis < 30 * MINUTE; millis += SECOND)
      if (refuse('one', millis) === 'requested') moments.push(millis / SECOND)
    expect(moments).to.deep.equal([0, 10, 60, 120, 200, 360, 660, 960, 1_260, 1_560])
  })

  it('causes a fetch at once if the place has accepted a login since', () => {
    for (const millis of [0, 1, 2]) {
      refusals.accepted('one')
      expect(refuse('one', millis)).to.equal('requested')
    }
  })

  it('causes no fetch when the budget of three is spent, until a minute has passed for each', () => {
    for (const millis of [0, 1, 2]) {
      refusals.accepted('one')
      refuse('one', millis)
    }
    refusals.accepted('one')
    expect(refuse('one', 3)).to.equal('ignored')
    refusals.accepted('one')
    expect(refuse('one', MINUTE - 1)).to.equal('ignored')
    refusals.accepted('one')
    expect(refuse('one', MINUTE)).to.equal('requested')
    // The budget never exceeds three.
    const requested = [0, 1, 2, 3].map(millis => {
      refusals.accepted('one')
      return refuse('one', 60 * MINUTE + millis)
    })
    expect(requested).to.deep.equal(['requested', 'requested', 'requested', 'ignored'])
  })

  it('causes no fourth fetch in a row if the logins have different lifetimes', () => {
    const verdicts = [59_000, 38_000, 38_000, 59_500].map((lifetime, index) => {
      refusals.accepted('one')
      return refuse('one', [0, 1_206, 1_400, 1_500][index] ?? 0, lifetime)
    })
    expect(verdicts).to.deep.equal(['requested', 'requested', 'requested', 'ignored'])
  })

  it('cannot spend the last request of the budget at a place that has never accepted a login', () => {
    expect(refuse('bad', 0)).to.equal('requested')
    expect(refuse('worse', 10 * SECOND)).to.equal('requested')
    expect(refuse('worst', 30 * SECOND)).to.equal('ignored')
    refusals.accepted('good')
    expect(refuse('good', 30 * SECOND)).to.equal('requested')
  })

  it('causes fetches in the same proportions with a short lifetime', () => {
    const moments: number[] = []
    for (let millis = 0; millis < 20 * SECOND; millis += 10)
      if (refuse('one', millis, 12_000) === 'requested') moments.push(millis)
    // L/20 is 600 ms, L/15 800 ms, L/3 4 seconds.
    expect(moments).to.deep.equal([0, 1_200, 3_600, 7_600, 11_600, 15_600, 19_600])
  })

  it('joins a fetch for an earlier rejection, at no cost', () => {
    expect(refusals.refused('one', LIFETIME, at(0))).to.equal('requested')
    for (let count = 0; count < 100; count++) expect(refusals.refused('two', LIFETIME, at(1))).to.equal('joined')
    refusals.settle()
    for (const place of ['two', 'three']) {
      refusals.accepted(place)
      expect(refuse(place, 2)).to.equal('requested')
    }
  })

  it('makes the oldest place be forgotten when its own is the 101st', () => {
    refusals.accepted('oldest')
    for (let count = 0; count < 100; count++) refusals.accepted(`place ${count}`)
    refuse('other', 0)
    expect(refuse('oldest', 1), 'forgotten').to.equal('ignored')
    expect(refuse('place 99', 2), 'remembered').to.equal('requested')
  })

  it('makes connections wait at places that had accepted, at most 5 seconds', () => {
    refusals.accepted('good')
    refusals.accepted('refusing')
    const waitMillis = (millis: number) =>
      ['good', 'refusing', 'bad', 'unknown', undefined].map(place => refusals.waitMillis(place, LIFETIME, at(millis)))
    expect(waitMillis(0)).to.deep.equal([0, 0, 0, 0, 0])
    refusals.refused('refusing', LIFETIME, at(0))
    refusals.refused('bad', LIFETIME, at(0))
    expect(waitMillis(1_000)).to.deep.equal([4_000, 4_000, 0, 0, 0])
    expect(waitMillis(5_000)).to.deep.equal([0, 0, 0, 0, 0])
    expect(refusals.waitMillis('good', 20_000, at(900)), 'a short lifetime').to.equal(100)
    refusals.settle()
    expect(waitMillis(1_000)).to.deep.equal([0, 0, 0, 0, 0])
  })

  it('without a place makes connections without a place wait', () => {
    refusals.refused(undefined, LIFETIME, at(0))
    expect(refusals.waitMillis(undefined, LIFETIME, at(0))).to.equal(5_000)
    expect(refusals.waitMillis('one', LIFETIME, at(0))).to.equal(0)
  })

  it('is not affected when the wall clock is set', () => {
    for (const millis of [0, 10_000]) refuse('one', millis)
    const later = { wall: 1e13, monotonic: 20_000 }
    expect(refusals.refused('one', LIFETIME, later)).to.equal('ignored')
  })
})

describe('with a login of 15 minutes and one connection a second, in simulated time,', () => {
  /** Consecutive connections; the argument decides for each whether it is accepted. Returns how many were not. */
  async function run(
    sim: Simulation,
    seconds: number,
    accepts: (password: string) => boolean,
    perSecond = 1,
  ): Promise<number> {
    let failed = 0
    for (let count = 0; count < seconds * perSecond; count++) {
      connect(sim, 'here', ({ password }) => accepts(password)).then(ok => !ok && failed++)
      await sim.clock.pass(SECOND / perSecond)
    }
    await sim.clock.advance(20 * SECOND)
    return failed
  }
  const fast = (seed = 1): Simulation => {
    const sim = new Simulation({ random: seededRandom(seed) })
    sim.aws.latencyMillis = 90
    return sim
  }

  it('a server that always rejects costs at most 20 calls to AWS an hour', async () => {
    const sim = fast()
    expect(await run(sim, 3_600, () => false)).to.equal(3_600)
    figure(`refused for good, one hour: ${sim.aws.calls.length} calls to AWS`)
    expect(sim.aws.calls).to.have.lengthOf.at.most(20)
  })

  it('a server that rejects half of all logins, at 100 connections a second, costs at most 65 calls an hour', async () => {
    const sim = fast()
    const random = seededRandom(7)
    await run(sim, 3_600, () => random() < 0.5, 100)
    figure(`half refused, 100 connections a second, one hour: ${sim.aws.calls.length} calls to AWS`)
    expect(sim.aws.calls).to.have.lengthOf.at.most(65)
  })

  it('an outage of AWS for 590 seconds costs one connection per rejection', async () => {
    const sim = fast()
    await run(sim, 10, () => true)
    sim.aws.always = { kind: 'fail', after: 90 }
    let refusals = 1
    const failed = await run(sim, 590, () => refusals-- <= 0)
    figure(`AWS down for 590 s, one refusal: ${failed} of 590 connections failed`)
    expect(failed).to.equal(1)
  })

  it('a repeated password from AWS costs one connection per rejection', async () => {
    const sim = fast()
    await run(sim, 10, () => true)
    const [password = ''] = sim.aws.issued.keys()
    sim.aws.always = { kind: 'login', login: { password } }
    let refusals = 1
    const failed = await run(sim, 600, () => refusals-- <= 0)
    figure(`AWS repeats the refused password for 600 s, one refusal: ${failed} of 600 connections failed`)
    expect(failed).to.equal(1)
  })

  it('a pool next to 20 that are always rejected survives 200 revocations, each within one rejection', async () => {
    const sim = fast()
    const random = seededRandom(11)
    let oldest = 1
    let [failed, refused, revocations] = [0, 0, 0]
    const isCurrent = (password: string): boolean => Number(/\d+/.exec(password)) >= oldest
    const good = (password: string): boolean => {
      if (!isCurrent(password)) refused++
      return isCurrent(password)
    }
    let nextRevocation = 600 * SECOND
    for (let millis = 0; revocations < 200; millis += 50) {
      const slot = (millis / 50) % 20
      connect(sim, `bad ${slot}`, () => false)
      if (slot === 0) connect(sim, 'good', ({ password }) => good(password)).then(ok => !ok && failed++)
      if (millis >= nextRevocation) {
        oldest = sim.aws.issued.size + 1
        revocations++
        nextRevocation = millis + (61 + random() * 60) * SECOND
      }
      await sim.clock.pass(50)
    }
    await sim.clock.advance(20 * SECOND)
    await settle()
    figure(`a good pool beside 20 bad ones, 200 revocations: ${refused} refusals, ${failed} of its connections failed`)
    expect(failed).to.equal(0)
    expect(refused).to.be.at.most(200)
  })
})
