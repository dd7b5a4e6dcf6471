import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import type { RedshiftLogin, StoreMessage } from '../../lib/index.js'
import { SimulatedFleet, type StoreBehaviour, type StoreCall } from '../support/fleet.js'
import { expectError, rejection } from '../support/rejection.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LIFETIME = 899_000

const only =
  (operation: StoreCall['operation'], behaviour: StoreBehaviour) =>
  (call: StoreCall): StoreBehaviour =>
    call.operation === operation ? behaviour : {}

describe('a fleet that shares its logins', () => {
  let fleet: SimulatedFleet
  const messages: StoreMessage[] = []
  const note = (message: unknown): void => void messages.push(message as StoreMessage)
  const events = (event: StoreMessage['event']): string[] =>
    messages.filter(message => message.event === event).map(({ operation, reason }) => `${operation ?? ''} ${reason}`)

  beforeEach(() => {
    messages.length = 0
    subscribe('pg-redshift-iam:store', note)
    fleet = new SimulatedFleet(20)
  })
  afterEach(() => void unsubscribe('pg-redshift-iam:store', note))

  const passwords = async (): Promise<string[]> => [...new Set((await fleet.getAll()).map(({ password }) => password))]

  describe('calls AWS', () => {
    it('once for twenty processes that start together, and all of them get the same login', async () => {
      expect(await passwords()).to.deep.equal(['examplecluster 1'])
      expect(fleet.calls).to.have.lengthOf(1)
      expect(events('hit')).to.have.lengthOf(19)
      expect(events('written')).to.have.lengthOf(1)
    })

    it('once per rotation over an hour, while every process serves its cached login', async () => {
      await passwords()
      for (const end = fleet.time.now + HOUR; fleet.time.now < end; await fleet.time.advance(1_000)) {
        const before = fleet.time.now
        await fleet.getAll()
        expect(fleet.time.now - before, 'no caller waits').to.be.at.most(5)
      }
      // A refresh starts after half of a lifetime at the earliest, and after 0.65 of it at the latest.
      expect(fleet.calls.length).to.be.within(Math.floor(1 + HOUR / (LIFETIME * 0.65)), 1 + HOUR / (LIFETIME * 0.5))
      for (const [index, { at }] of fleet.calls.entries())
        expect(at - (fleet.calls[index - 1]?.at ?? 0)).to.be.above(LIFETIME * 0.49)
      expect(messages.map(({ event }) => event)).to.not.include.members(['direct'])
    })

    it('once if a process reads just before the owner writes, and claims just after', async () => {
      fleet = new SimulatedFleet(2)
      fleet.aws = () => ({ after: 20 })
      fleet.store.behaviour = ({ operation, host }) =>
        operation === 'read' && host === 1 && fleet.store.count('read', fleet.host(1)) === 1 ? { reply: 250 } : {}
      expect(await passwords()).to.deep.equal(['examplecluster 1'])
      expect(fleet.store.count('claim', fleet.host(1))).to.equal(1)
      expect(fleet.calls).to.have.lengthOf(1)
    })

    it('once for each of several logins', async () => {
      const logins = await fleet.run(
        Promise.all(fleet.hosts.flatMap(host => ['one', 'other'].map(target => host.get(target)))),
      )
      expect(new Set(logins.map(({ password }) => password)).size).to.equal(2)
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('separately for each identity', async () => {
      const host = fleet.start({ identity: 'exports' })
      const [first] = await fleet.getAll()
      expect((await host.get()).password).to.not.equal(first?.password)
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('once more after three seconds if the owner of the claim is gone', async () => {
      fleet.aws = () => ({ after: 500 })
      const getting = fleet.hosts.map(host => host.get())
      await fleet.time.advance(100)
      const [owner] = fleet.calls
      if (!owner) throw new Error('Nobody has asked AWS.')
      owner.host.kill()
      getting.splice(owner.host.number, 1)
      await fleet.run(Promise.all(getting))
      expect(fleet.calls).to.have.lengthOf(2)
      expect((fleet.calls[1]?.at ?? 0) - owner.at).to.be.within(2_900, 4_300)
      expect(events('direct')).to.deep.equal([])
    })

    it('once more after five seconds if the owner of the claim waits without success', async () => {
      fleet.aws = ({ host }) => ({ silent: host === fleet.calls[0]?.host })
      const [owner, ...others] = fleet.hosts
      const getting = owner?.get()
      await fleet.time.advance(50)
      await fleet.run(Promise.all(others.map(host => host.get())))
      expect(fleet.calls).to.have.lengthOf(2)
      expect((fleet.calls[1]?.at ?? 0) - (fleet.calls[0]?.at ?? 0)).to.be.within(5_000, 6_300)
      // Its own deadline applies as usual.
      const error = getting && (await fleet.run(rejection(getting)))
      expect(error?.code).to.equal('ERR_REDSHIFT_TIMEOUT')
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('from one process after another while it fails, until one of them has a login', async () => {
      fleet.aws = () => ({ fails: fleet.calls.length <= 3 })
      const outcomes = await fleet.run(Promise.allSettled(fleet.hosts.map(host => host.get())))
      expect(outcomes.filter(({ status }) => status === 'rejected')).to.have.lengthOf(3)
      expect(fleet.calls).to.have.lengthOf(4)
    })

    /** The server rejects the login of each of them. Returns their results. */
    const refuseAll = (): Promise<(RedshiftLogin | undefined)[]> =>
      fleet.run(
        Promise.all(
          fleet.hosts.map(({ cache }) => {
            const login = cache.peek('examplecluster')
            return login && cache.invalidate(login, 'here') ? cache.replacement(login) : undefined
          }),
        ),
      )

    it('once for all when the server rejects the login of each of them', async () => {
      await fleet.getAll()
      await fleet.time.advance(MINUTE)
      const replacements = await refuseAll()
      expect(new Set(replacements.map(login => login?.password))).to.deep.equal(new Set(['examplecluster 2']))
      expect(await passwords()).to.deep.equal(['examplecluster 2'])
      expect(fleet.calls).to.have.lengthOf(2)
      expect(events('ignored')).to.deep.equal([])
    })

    it('once for all when their logins are rejected one after another', async () => {
      await fleet.getAll()
      for (const { cache } of fleet.hosts) {
        await fleet.time.advance(2_000)
        const login = cache.peek('examplecluster')
        if (login) cache.invalidate(login, 'here')
      }
      await fleet.time.advance(1_000)
      expect(await passwords()).to.deep.equal(['examplecluster 2'])
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('once for all when AWS repeats the rejected login, at once or one after another', async () => {
      await fleet.getAll()
      fleet.aws = () => ({ repeats: true })
      await fleet.time.advance(MINUTE)
      expect(new Set(await refuseAll())).to.deep.equal(new Set([undefined]))
      expect(fleet.calls).to.have.lengthOf(2)
      const late = fleet.start()
      await fleet.run(late.get())
      for (const { cache } of [...fleet.hosts, ...fleet.hosts]) {
        await fleet.time.advance(500)
        const login = cache.peek('examplecluster')
        if (login) cache.invalidate(login, 'here')
      }
      await fleet.time.advance(1_000)
      expect(await passwords()).to.deep.equal(['examplecluster 1'])
      // Two more, ten seconds apart, by processes that knew of the last one.
      expect(fleet.calls).to.have.lengthOf.at.most(4)
    })

    it('again when the server rejects a login that AWS has repeated long before', async () => {
      await fleet.getAll()
      fleet.aws = () => ({ repeats: true })
      for (const number of [0, 1]) {
        await fleet.time.advance(2 * MINUTE)
        const { cache } = fleet.host(number)
        const login = cache.peek('examplecluster')
        if (!login) throw new Error('There is no login.')
        expect(cache.invalidate(login, 'here')).to.equal(true)
        expect(await fleet.run(cache.replacement(login))).to.equal(undefined)
        expect(fleet.calls).to.have.lengthOf(2 + number)
      }
    })

    it('again when the server rejects a process twice, whatever happened to another one', async () => {
      await fleet.getAll()
      fleet.aws = () => ({ repeats: true })
      await fleet.time.advance(2 * MINUTE)
      const calls: number[] = []
      for (const number of [0, 1, 1]) {
        await fleet.time.advance(5_000)
        const { cache } = fleet.host(number)
        const login = cache.peek('examplecluster')
        if (!login) throw new Error('There is no login.')
        cache.accepted(login, 'here')
        expect(cache.invalidate(login, 'here')).to.equal(true)
        expect(await fleet.run(cache.replacement(login))).to.equal(undefined)
        calls.push(fleet.calls.length)
      }
      expect(calls).to.deep.equal([2, 2, 3])
    })

    it('rarely while it has no newer login, and not from each process separately', async () => {
      await passwords()
      fleet.aws = () => ({ sameExpiry: true })
      for (const end = fleet.time.now + LIFETIME * 0.9; fleet.time.now < end; await fleet.time.advance(1_000))
        await fleet.getAll()
      // A login is fetched again after a tenth of its lifetime, or of the remaining lifetime later on.
      expect(fleet.calls.length).to.be.within(4, 25)
    })
  })

  describe('finds a login in the store that', () => {
    /** The login of twenty processes, at this age. */
    const aged = async (millis: number): Promise<void> => {
      await passwords()
      await fleet.time.advance(millis - 200)
    }

    it("is as old as the store says, even if the hosts' clocks differ", async () => {
      await aged(5 * MINUTE)
      for (const wallError of [-HOUR, 0, HOUR]) {
        const host = fleet.start({ wallError })
        await fleet.run(host.get())
        const [status] = host.cache.status()
        expect(status?.phase).to.equal('fresh')
        const ages = (status?.refreshAt?.getTime() ?? 0) - fleet.time.now - wallError
        expect(ages / MINUTE).to.be.within(15 * 0.49 - 5, 15 * 0.65 - 5)
      }
      expect(fleet.calls).to.have.lengthOf(1)
    })

    it('arrives late: it seems no younger', async () => {
      await aged(5 * MINUTE)
      const [prompt, slow] = [fleet.start(), fleet.start()]
      fleet.store.behaviour = ({ operation, host }) =>
        operation === 'read' && host === slow.number ? { after: 1, reply: 250 } : {}
      await fleet.run(Promise.all([prompt.get(), slow.get()]))
      const [first, second] = [prompt, slow].map(({ cache }) => cache.status()[0]?.refreshAt?.getTime())
      expect(second).to.equal(first)
      expect(fleet.calls).to.have.lengthOf(1)
    })

    it('is stale: a new process gets it at once, and refreshes it in the background', async () => {
      await aged(12 * MINUTE)
      const before = fleet.time.now
      const host = fleet.start()
      expect((await fleet.run(host.get())).password).to.equal('examplecluster 1')
      expect(fleet.time.now - before).to.be.at.most(5)
      expect(fleet.calls).to.have.lengthOf(1)
      expect((await host.get()).password).to.equal('examplecluster 1')
      await fleet.time.advance(1_000)
      expect((await host.get()).password).to.equal('examplecluster 2')
      // The others, whose login is stale as well, find the new one.
      await fleet.getAll()
      await fleet.time.advance(1_000)
      expect(await passwords()).to.deep.equal(['examplecluster 2'])
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('was in transit for long: its lifetime counts from the call to AWS', async () => {
      fleet.aws = () => ({ after: 4_000 })
      await passwords()
      const [write] = fleet.store.calls.filter(({ operation }) => operation === 'write')
      expect(write?.lifetimeMillis).to.be.within(LIFETIME - 4_000, LIFETIME - 3_000)
    })

    it('is about to expire: a new process fetches another', async () => {
      await aged(LIFETIME - 9_000)
      expect((await fleet.run(fleet.start().get())).password).to.equal('examplecluster 2')
    })

    it('is older than its own: it keeps its own', async () => {
      await passwords()
      const [stored] = fleet.store.values
      await fleet.time.advance(10 * MINUTE)
      await fleet.getAll()
      await fleet.time.advance(5_000)
      expect(await passwords()).to.deep.equal(['examplecluster 2'])
      // Somebody with access to the store puts the old value back.
      if (stored) fleet.store.values.set(stored[0], { ...stored[1], until: fleet.time.now + LIFETIME })
      await fleet.time.advance(9 * MINUTE)
      await fleet.getAll()
      await fleet.time.advance(5_000)
      expect(await passwords()).to.deep.equal(['examplecluster 3'])
      expect(new Set(events('ignored'))).to.deep.equal(new Set([' old']))
    })

    it('is newer than its own: it uses the newer one, even if a caller has changed the date of its own', async () => {
      for (const login of await fleet.getAll()) login.expiration.setFullYear(2_099)
      await fleet.time.advance(10 * MINUTE)
      await fleet.getAll()
      await fleet.time.advance(5_000)
      expect(await passwords()).to.deep.equal(['examplecluster 2'])
      expect(events('ignored')).to.deep.equal([])
    })

    it('was rejected by the server: it stays for the others while AWS has no other', async () => {
      const [login] = await fleet.getAll()
      fleet.aws = () => ({ fails: true })
      if (login) fleet.host(0).cache.invalidate(login, 'here')
      await fleet.time.advance(1_000)
      expect((await fleet.run(fleet.start().get())).password).to.equal('examplecluster 1')
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('was rejected by the server: it is removed if the next one could not be written', async () => {
      const [login] = await fleet.getAll()
      await fleet.time.advance(MINUTE)
      fleet.store.behaviour = only('write', { lost: true, fails: true })
      if (login) fleet.host(0).cache.invalidate(login, 'here')
      await fleet.time.advance(1_000)
      expect(fleet.host(0).cache.peek('examplecluster')?.password).to.equal('examplecluster 2')
      expect(fleet.store.values.size).to.equal(0)
    })

    it('was rejected by the server: a failure to remove it is published, and has no other effect', async () => {
      const [login] = await fleet.getAll()
      await fleet.time.advance(MINUTE)
      fleet.store.behaviour = ({ operation }) =>
        operation === 'write' || operation === 'remove' ? { lost: true, fails: true } : {}
      if (login) fleet.host(0).cache.invalidate(login, 'here')
      await fleet.time.advance(1_000)
      expect(fleet.host(0).cache.peek('examplecluster')?.password).to.equal('examplecluster 2')
      expect(events('failed')).to.deep.equal(['write failed', 'remove failed'])
    })

    it('has replaced one that the server rejects only now: it stays', async () => {
      const [first, second] = await fleet.getAll()
      await fleet.time.advance(MINUTE)
      if (first) fleet.host(0).cache.invalidate(first, 'here')
      await fleet.time.advance(1_000)
      if (second) fleet.host(1).cache.invalidate(second, 'here')
      await fleet.time.advance(50)
      expect(fleet.store.values.size).to.equal(1)
      expect((await fleet.run(fleet.host(1).get())).password).to.equal('examplecluster 2')
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('was tampered with, or encrypted for another, or has the wrong lifetime: it is ignored and reported', async () => {
      await passwords()
      await fleet.run(fleet.host(0).get('other'))
      const [[key, { value, until }] = ['', { value: '', until: 0 }], [, foreign] = []] = fleet.store.values
      const cases: [string, string, number][] = [
        [value.replace(/.$/, last => (last === 'A' ? 'B' : 'A')), 'unreadable', until],
        [foreign?.value ?? '', 'unreadable', until],
        ['garbage', 'unreadable', until],
        [value, 'lifetime', fleet.time.now + HOUR],
        [value, 'lifetime', Number.POSITIVE_INFINITY],
      ]
      for (const [bad, reason, end] of cases) {
        messages.length = 0
        fleet.store.values.set(key, { value: bad, until: end })
        const calls = fleet.calls.length
        const { password } = await fleet.run(fleet.start().get())
        expect(password, reason).to.equal(`examplecluster ${calls + 1}`)
        expect(events('ignored'), 'once, not at each look').to.deep.equal([` ${reason}`])
        // It has been replaced.
        expect((await fleet.run(fleet.start().get())).password).to.equal(password)
      }
      const stranger = fleet.start({ keys: [new Uint8Array(32)] })
      await fleet.run(stranger.get())
      expect(events('ignored')).to.include(' unreadable')
    })
  })

  describe('waits', () => {
    it('with increasing pauses between reads, from 25 ms to a second, plus or minus a quarter, so that not all read at once', async () => {
      for (const [draw, factor] of [
        [0, 0.75],
        [0.5, 1],
        [0.999999, 1.25],
      ] as const) {
        fleet = new SimulatedFleet(2, { random: () => draw })
        fleet.aws = () => ({ after: 4_500 })
        await fleet.getAll()
        const waiting = fleet.hosts.find(host => host !== fleet.calls[0]?.host)
        const looks = fleet.store.calls.filter(call => call.operation === 'read' && call.host === waiting?.number)
        // Each read takes two milliseconds. After the first one, there is a claim as well, which the others see.
        const pauses = looks.slice(1).map(({ at }, index) => Math.round(at - (looks[index]?.at ?? 0) - (index ? 2 : 4)))
        expect(fleet.store.count('claim', waiting)).to.equal(1)
        const expected = [25, 50, 100, 200, 400, 800, ...Array(6).fill(1_000)].map(pause => Math.round(pause * factor))
        expect(pauses.length).to.be.within(8, 12)
        expect(pauses).to.deep.equal(expected.slice(0, pauses.length))
      }
    })

    it('until its deadline at most, and the error says what it waited for', async () => {
      fleet = new SimulatedFleet(3)
      fleet.aws = () => ({ silent: true })
      const start = fleet.time.now
      const errors = await fleet.run(Promise.all(fleet.hosts.map(host => rejection(host.get()))))
      for (const error of errors) expect(error.code).to.equal('ERR_REDSHIFT_TIMEOUT')
      expect(fleet.time.now - start).to.be.within(15_000, 15_010)
      await fleet.time.advance(5)
      expect(fleet.store.claims.size, 'claims left behind').to.equal(0)
      expect(fleet.calls).to.have.lengthOf(3)

      fleet = new SimulatedFleet(2)
      await fleet.getAll()
      const [key = ''] = fleet.store.values.keys()
      fleet.store.values.clear()
      fleet.store.claims.set(key, { token: 'nobody', until: Number.POSITIVE_INFINITY })
      const waiting = rejection(fleet.start().get())
      await fleet.time.advance(1_000)
      // The process itself does nothing until the deadline is over.
      fleet.time.block(20_000)
      expectError(await fleet.run(waiting), {
        code: 'ERR_REDSHIFT_TIMEOUT',
        names: ['process', 'claimed', 'fetchTimeoutMillis'],
      })
    })

    it('for a claim that never ends at most two thirds of the time of a refresh, near the expiry of the login', async () => {
      fleet = new SimulatedFleet(1)
      await fleet.getAll()
      const [key = ''] = fleet.store.values.keys()
      fleet.store.claims.set(key, { token: 'nobody', until: Number.POSITIVE_INFINITY })
      await fleet.time.advance(LIFETIME - 20_000)
      expect(await passwords()).to.deep.equal(['examplecluster 1'])
      await fleet.time.advance(5_000)
      expect(await passwords()).to.deep.equal(['examplecluster 2'])
    })

    it('ten seconds for a claim that never ends, and then for AWS, and the error names the one that did not respond', async () => {
      fleet = new SimulatedFleet(1)
      fleet.store.behaviour = only('claim', { lie: false })
      fleet.aws = () => ({ silent: true })
      expectError(await fleet.run(rejection(fleet.host(0).get())), {
        code: 'ERR_REDSHIFT_TIMEOUT',
        names: ['GetCredentials', '"examplecluster"', '15000 ms'],
        omits: ['store'],
      })
    })

    it('ten seconds for a claim that never ends, and then calls AWS', async () => {
      await passwords()
      const [key = ''] = fleet.store.values.keys()
      fleet.store.values.clear()
      fleet.store.claims.set(key, { token: 'nobody', until: Number.POSITIVE_INFINITY })
      const host = fleet.start()
      const start = fleet.time.now
      expect((await fleet.run(host.get())).password).to.equal('examplecluster 2')
      expect(fleet.time.now - start).to.be.within(10_000, 11_500)
      expect(events('direct')).to.deep.equal(['claim held'])
    })
  })

  describe('calls AWS as without a store, and publishes that, if the store', () => {
    const first: Record<string, [StoreBehaviour, string, number]> = {
      fails: [{ lost: true, fails: true }, 'failed', 10],
      'is silent': [{ lost: true, silent: true }, 'slow', 310],
      'is slow': [{ after: 299, reply: 310 }, 'slow', 310],
      throws: [{ throws: true }, 'failed', 10],
    }
    for (const operation of ['read', 'claim'] as const)
      for (const [how, [behaviour, reason, most]] of Object.entries(first))
        it(`${how} at the first ${operation}`, async () => {
          fleet.store.behaviour = only(operation, behaviour)
          const start = fleet.time.now
          await fleet.getAll()
          expect(fleet.time.now - start).to.be.at.most(most + 60)
          expect(fleet.calls).to.have.lengthOf(20)
          expect(events('direct')).to.deep.equal(Array(20).fill(`${operation} ${reason}`))
        })

    it('does not respond or is slow, even with a short deadline: AWS has at least half of it', async () => {
      for (const fetchTimeoutMillis of [100, 300, 500, 1_000, 2_000])
        for (const [behaviour, share] of [
          [only('read', { lost: true, silent: true }), 5 / 6],
          [only('claim', { lost: true, silent: true }), 2 / 3],
          [() => ({ after: 1, reply: Math.min(300, fetchTimeoutMillis / 6) - 1 }), 1 / 2],
        ] as const) {
          fleet = new SimulatedFleet(1, { fetchTimeoutMillis })
          fleet.store.behaviour = behaviour
          fleet.aws = () => ({ after: fetchTimeoutMillis * share - 20 })
          expect(await passwords(), `${fetchTimeoutMillis} ms`).to.have.lengthOf(1)
        }
    })

    it('is slow while another process has the claim: AWS has at least a sixth of the deadline', async () => {
      for (const fetchTimeoutMillis of [300, 600, 1_000, 1_800, 15_000]) {
        const operation = Math.min(300, fetchTimeoutMillis / 6) - 1
        for (const slowFrom of [0, 0.3, 0.5, 0.6, 0.65])
          for (const freed of [false, true]) {
            fleet = new SimulatedFleet(1, { fetchTimeoutMillis })
            const begin = fleet.time.now
            const slow = (): boolean => fleet.time.now - begin >= fetchTimeoutMillis * slowFrom
            fleet.store.behaviour = call => ({
              ...(slow() && { after: 1, reply: operation }),
              // The claim is released when the time for the others is nearly over.
              ...(call.operation === 'claim' &&
                !(freed && fleet.time.now - begin > fetchTimeoutMillis * 0.6) && { lie: false }),
            })
            fleet.aws = () => ({ after: fetchTimeoutMillis / 6 - 10 })
            const what = `${fetchTimeoutMillis} ms, slow from ${slowFrom}, ${freed ? 'freed' : 'held'}`
            const got = await fleet.run(
              fleet
                .host(0)
                .get()
                .catch(({ message }: Error) => message),
            )
            expect(got, what).to.have.property('password', 'examplecluster 1')
          }
      }
    })

    it('does not respond, and AWS does not either: the error names both', async () => {
      fleet = new SimulatedFleet(1, { fetchTimeoutMillis: 600 })
      fleet.store.behaviour = only('read', { lost: true, silent: true })
      fleet.aws = () => ({ silent: true })
      const error = expectError(await fleet.run(rejection(fleet.host(0).get())), {
        code: 'ERR_REDSHIFT_TIMEOUT',
        names: ['store', 'read', '600 ms', 'AWS'],
      })
      expect(error.message).to.match(/ 10\d /)
    })

    it('sets its own limit', async () => {
      fleet = new SimulatedFleet(1)
      const connect = fleet.store.connect.bind(fleet.store)
      fleet.store.connect = (...args) => ({ ...connect(...args), operationMillis: 1_000 })
      const host = fleet.start()
      fleet.store.behaviour = () => ({ after: 900 })
      await fleet.run(host.get())
      expect(events('direct')).to.deep.equal([])
    })

    it('returns false data', async () => {
      const values = [7, '', [], {}, { value: 7 }, { value: 'v1.x' }, { value: '', remainingMillis: 'long' }]
      const lies = [null, 7, '', [], {}, { claimed: 'yes' }, ...values.map(stored => ({ stored }))]
      fleet = new SimulatedFleet(lies.length)
      fleet.store.behaviour = ({ operation, host }) =>
        operation === 'read' ? { lie: lies[host] } : { lie: operation === 'claim' ? 'yes' : {} }
      fleet.aws = () => ({ after: 10 })
      expect(await passwords()).to.have.lengthOf(lies.length)
      expect(events('direct')).to.deep.equal(Array(lies.length).fill('claim held'))
    })

    it('returns unreadable data', async () => {
      const unreadable = {
        get value() {
          throw new Error('It throws.')
        },
      }
      const lies = [
        unreadable,
        ...[Symbol(), Object.create(null)].map(remainingMillis => ({ value: 'v1.x', remainingMillis })),
      ]
      fleet = new SimulatedFleet(lies.length)
      fleet.store.behaviour = ({ operation, host }) => (operation === 'read' ? { lie: { stored: lies[host] } } : {})
      expect(await passwords()).to.have.lengthOf(lies.length)
      expect(events('direct')).to.deep.equal(Array(lies.length).fill('read failed'))
    })

    it('throws something that is not an error', async () => {
      fleet = new SimulatedFleet(1)
      fleet.store.connect = () => ({
        ...new SimulatedFleet(0).store.connect(fleet.host(0), 'reports', [new Uint8Array(32)]),
        read: () => Promise.reject(Object.assign(new Error(), { name: 7, message: undefined, code: {} })),
      })
      fleet.start()
      expect(await fleet.run(fleet.host(1).get())).to.have.property('password')
      expect(events('direct')).to.deep.equal(['read failed'])
    })

    it('does not respond to the write: the login is used all the same, within the deadline', async () => {
      fleet = new SimulatedFleet(1)
      fleet.aws = () => ({ after: 14_900 })
      fleet.store.behaviour = only('write', { lost: true, silent: true })
      expect(await passwords()).to.have.lengthOf(1)
    })

    it('is full: it accepts no claim, though it can be read', async () => {
      fleet.store.behaviour = ({ operation }) => (operation === 'read' ? {} : { lost: true, fails: true })
      expect(await passwords()).to.have.lengthOf(20)
      expect(events('direct')).to.deep.equal(Array(20).fill('claim failed'))
    })

    it('does not accept the login: its owner uses it, and another process claims in turn', async () => {
      fleet = new SimulatedFleet(3)
      fleet.store.behaviour = only('write', { lost: true, fails: true })
      expect(await passwords()).to.have.lengthOf(3)
      expect(events('failed')).to.deep.equal(Array(3).fill('write failed'))
      expect(events('direct')).to.deep.equal([])
    })
  })

  describe('waits for an operation', () => {
    beforeEach(() => {
      fleet = new SimulatedFleet(1)
    })

    it('and uses a response that arrives within one more turn of the event loop', async () => {
      fleet.store.behaviour = only('read', { after: 305, reply: 310 })
      const getting = fleet.host(0).get()
      await fleet.time.advance(299)
      // When the process continues, the time is over, and the response has arrived.
      fleet.time.block(50)
      await fleet.run(getting)
      expect(events('direct')).to.deep.equal([])
    })

    it('by the time that the event loop ran: a busy process does not blame the store', async () => {
      fleet.store.behaviour = ({ operation }) => (operation === 'read' ? { after: 2_150, reply: 2_160 } : {})
      const getting = fleet.host(0).get()
      await fleet.time.advance(0)
      // It sends the command only afterwards.
      fleet.time.block(2_000)
      await fleet.time.advance(500)
      await fleet.run(getting)
      expect(fleet.store.count('claim'), 'claims').to.equal(1)
    })

    it('and then aborts its signal, so that nothing more is sent', async () => {
      fleet.store.behaviour = only('read', { silent: true, lost: true })
      await fleet.getAll()
      expect(fleet.store.calls.filter(({ signal }) => signal.aborted).map(({ operation }) => operation)).to.deep.equal([
        'read',
      ])
    })
  })

  describe('releases a claim', () => {
    it('that is granted late, when no caller waits for it', async () => {
      for (const behaviour of [
        { after: 1, reply: 400 },
        { after: 400, reply: 401 },
        { after: 1, reply: 2, fails: true },
      ] satisfies StoreBehaviour[]) {
        fleet = new SimulatedFleet(1)
        fleet.store.behaviour = only('claim', behaviour)
        await fleet.getAll()
        await fleet.time.advance(500)
        expect(fleet.store.claims.size, JSON.stringify(behaviour)).to.equal(0)
      }
    })

    it('as soon as it has written, or failed, or is closed', async () => {
      fleet = new SimulatedFleet(1)
      await fleet.getAll()
      await fleet.time.advance(5)
      expect(fleet.store.claims.size).to.equal(0)

      fleet = new SimulatedFleet(1)
      fleet.aws = () => ({ fails: true })
      await fleet.run(rejection(fleet.host(0).get()))
      await fleet.time.advance(5)
      expect(fleet.store.claims.size).to.equal(0)

      fleet = new SimulatedFleet(1)
      fleet.aws = () => ({ silent: true })
      const error = rejection(fleet.host(0).get())
      await fleet.time.advance(500)
      expect(fleet.store.claims.size).to.equal(1)
      fleet.host(0).cache.close()
      expect((await error).code).to.equal('ERR_REDSHIFT_CLOSED')
      await fleet.time.advance(5)
      expect(fleet.store.claims.size).to.equal(0)
    })

    it('after its write, even if its caller has aborted: the others would lose the login', async () => {
      fleet = new SimulatedFleet(1)
      fleet.store.behaviour = only('write', { after: 100 })
      const error = rejection(fleet.host(0).get())
      while (fleet.store.count('write') === 0) await fleet.time.advance(1)
      fleet.host(0).cache.close()
      expect((await error).code).to.equal('ERR_REDSHIFT_CLOSED')
      await fleet.time.advance(200)
      expect(fleet.store.values.size).to.equal(1)
      expect(fleet.store.claims.size).to.equal(0)
    })

    it('that is granted after it was closed, and makes no more reads or calls', async () => {
      for (const behaviour of [{ reply: 250 }, { lost: true, lie: false }] satisfies StoreBehaviour[]) {
        fleet = new SimulatedFleet(1)
        fleet.store.behaviour = only('claim', behaviour)
        const error = rejection(fleet.host(0).get())
        await fleet.time.advance(100)
        fleet.host(0).cache.close()
        await error
        const looks = fleet.store.count('read')
        await fleet.time.advance(20_000)
        expect(fleet.calls).to.deep.equal([])
        expect(fleet.store.claims.size).to.equal(0)
        expect(fleet.store.count('read') - looks).to.be.at.most(1)
      }
    })

    it('never because a renewal was slow', async () => {
      fleet.aws = () => ({ after: 4_000 })
      let renewals = 0
      fleet.store.behaviour = ({ operation, host }) =>
        operation === 'claim' && host === fleet.calls[0]?.host.number && ++renewals % 2 === 1
          ? { lost: true, silent: true }
          : {}
      await fleet.getAll()
      expect(renewals).to.be.above(2)
      expect(fleet.calls).to.have.lengthOf(1)
    })

    it('that a late renewal has recreated', async () => {
      fleet = new SimulatedFleet(1)
      fleet.aws = () => ({ after: 1_020 })
      fleet.store.behaviour = ({ operation }) =>
        operation === 'claim' && fleet.store.count('claim') > 1 ? { after: 100 } : {}
      await fleet.getAll()
      expect(fleet.store.count('claim')).to.equal(2)
      await fleet.time.advance(200)
      expect(fleet.store.claims.size).to.equal(0)
    })

    it('that it has lost while it was stopped, and leaves later writes of others unchanged', async () => {
      const owner = fleet.host(0)
      fleet.aws = ({ host }) => ({ after: host === owner ? 1_200 : 50 })
      const late = owner.get()
      await fleet.time.advance(10)
      owner.freeze(4_700)
      const others = fleet.hosts.slice(1)
      const logins = await fleet.run(Promise.all(others.map(host => host.get())))
      expect(new Set(logins.map(({ password }) => password)).size).to.equal(1)
      await fleet.run(late)
      await fleet.time.advance(2_000)
      expect((await fleet.run(fleet.start().get())).password).to.equal(logins[0]?.password)
      expect(fleet.calls).to.have.lengthOf(2)
    })

    it('without a write, if the login has expired in transit', async () => {
      fleet = new SimulatedFleet(1)
      const host = fleet.host(0)
      const getting = Promise.allSettled([host.get()])
      await fleet.time.advance(10)
      host.freeze(LIFETIME + MINUTE)
      await fleet.time.advance(LIFETIME + MINUTE)
      await fleet.run(getting)
      expect(fleet.store.count('release', host)).to.equal(1)
      expect(fleet.store.count('write', host)).to.equal(0)
    })

    it('that it has lost, and then shares nothing', async () => {
      fleet = new SimulatedFleet(2)
      fleet.aws = () => ({ after: 4_000 })
      fleet.store.behaviour = ({ operation, host, at }) =>
        // The owner's renewals do not arrive.
        operation === 'claim' && host === fleet.calls[0]?.host.number && at > (fleet.calls[0]?.at ?? 0)
          ? { lost: true, fails: true }
          : {}
      await fleet.getAll()
      expect(fleet.calls).to.have.lengthOf(2)
      expect(events('failed')).to.include('write lost')
      const last = await fleet.run(fleet.start().get())
      expect(last.password, 'the second one is shared').to.equal('examplecluster 2')
    })
  })
})
