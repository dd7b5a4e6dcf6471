import { expect } from 'chai'
import type { RedshiftEmulator } from '../lib/emulator/index.js'
import { startEmulator } from './support/emulator.js'
import { Example } from './support/example.js'
import { figure } from './support/figure.js'
import { REFRESH, Simulation, settle } from './support/simulation.js'

const LIFETIME_SECONDS = 6
const NAMES = ['idle', 'completed', 'dropped', 'hung', 'foreground']
const hostOf = (name: string): string => `${name}.abc123xyz789.us-west-2.redshift.amazonaws.com`

const sleep = (millis: number): Promise<void> => new Promise(resolve => setTimeout(resolve, millis))

describe('A process that is suspended (SIGSTOP, SIGCONT)', () => {
  let emulator: RedshiftEmulator
  const running: Example[] = []

  before(async function () {
    if (process.platform === 'win32') this.skip()
    emulator = await startEmulator({ hosts: NAMES.map(hostOf), lifetimeSeconds: LIFETIME_SECONDS })
  })
  afterEach(() => {
    for (const program of running.splice(0)) program.kill()
  })
  after(() => emulator?.close())

  const start = (name: string, env: Record<string, string> = {}): Example => {
    const program = new Example('spec/programs/connector.ts', emulator, { env: { HOST: hostOf(name), ...env } })
    running.push(program)
    return program
  }
  const stale = async (program: Example): Promise<void> => {
    while ((await program.ask('phase')) !== 'stale') await sleep(20)
  }
  /** Stops the process, by default until its login has expired. */
  const suspend = async (
    program: Example,
    meanwhile: () => void = () => {},
    millis = LIFETIME_SECONDS * 1_000,
  ): Promise<void> => {
    program.signal('SIGSTOP')
    await sleep(millis)
    meanwhile()
    program.signal('SIGCONT')
  }
  const refused = () => emulator.logins.filter(({ ok }) => !ok)

  it('until its login has expired opens its next connection with a new one', async () => {
    const program = start('idle')
    expect(await program.ask('connect')).to.equal('IAM:alice')
    await suspend(program)
    expect(await program.ask('connect')).to.equal('IAM:alice')
    expect(refused()).to.deep.equal([])
    expect((await program.end()).code).to.equal(0)
  })

  it('during a refresh is not affected by the outcome of that refresh', async () => {
    const outcomes = {
      completed: { kind: 'hold' },
      dropped: { kind: 'hold' },
      hung: { kind: 'hang' },
    } as const
    await Promise.all(
      Object.entries(outcomes).map(async ([name, outcome]) => {
        const program = start(name)
        expect(await program.ask('connect')).to.equal('IAM:alice')
        await stale(program)
        const refresh = emulator.fail(outcome, { target: name })
        expect(await program.ask('connect')).to.equal('IAM:alice')
        await refresh.reached()
        await suspend(program, () => {
          if (name === 'dropped') emulator.fail({ kind: 'reset' }, { target: name, times: 1 })
          refresh.clear()
        })
        expect(await program.ask('connect'), name).to.equal('IAM:alice')
        expect((await program.end()).code).to.equal(0)
      }),
    )
    expect(refused()).to.deep.equal([])
    figure(
      `suspended during a refresh, with ${Object.keys(outcomes).length} outcomes of the refresh: 0 connections failed`,
    )
  })

  it('during its first fetch settles it, and continues', async () => {
    const program = start('foreground', { FETCH_TIMEOUT: '1000' })
    const fetch = emulator.fail({ kind: 'hold' }, { target: 'foreground' })
    const first = program.ask('get')
    await fetch.reached()
    await suspend(program, () => fetch.clear(), 1_500)
    expect(await first).to.be.oneOf(['IAM:alice', 'ERR_REDSHIFT_TIMEOUT'])
    let result = await program.ask('connect')
    while (result === 'ERR_REDSHIFT_TIMEOUT') result = await program.ask('connect')
    expect(result).to.equal('IAM:alice')
    expect(refused()).to.deep.equal([])
    expect((await program.end()).code).to.equal(0)
  })
})

describe('The cache of a machine that was suspended', () => {
  const suspended = async (asked: (sim: Simulation) => void) => {
    const sim = new Simulation()
    const first = await sim.get()
    sim.clock.skip(REFRESH + 1)
    sim.aws.script.push({ kind: 'hang' })
    await sim.get()
    sim.clock.suspend(3_600_000)
    asked(sim)
    return { sim, first }
  }

  it('does not wait for a refresh from before: it starts another for all callers', async () => {
    const { sim, first } = await suspended(() => {})
    const logins = new Set(await Promise.all([sim.get(), sim.get(), sim.get()]))
    expect(logins).to.have.length(1)
    expect(logins).not.to.include(first)
    expect(sim.aws.calls).to.have.length(3)
    expect(sim.aws.calls[1]?.signal.aborted).to.equal(true)
  })

  it('does not return the failure of that refresh to later callers', async () => {
    const { sim } = await suspended(({ aws }) => aws.lastCall.fail())
    await settle()
    await sim.get()
    expect(sim.aws.calls).to.have.length(3)
  })

  it('still waits for a first fetch that has waiting callers', async () => {
    const sim = new Simulation()
    sim.aws.script.push({ kind: 'hang' })
    const one = sim.get()
    sim.clock.suspend(3_600_000)
    const other = sim.get()
    expect(sim.aws.calls).to.have.length(1)
    sim.aws.lastCall.respond()
    expect(await one).to.equal(await other)
    expect(sim.aws.calls[0]?.signal.aborted).to.equal(false)
  })
})
