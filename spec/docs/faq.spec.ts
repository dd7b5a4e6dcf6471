import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { EmulatorOptions } from '../../lib/emulator/index.js'
import { RedshiftCredentials } from '../../lib/index.js'
import { startEmulator } from '../support/emulator.js'
import { runExample } from '../support/example.js'
import { figure } from '../support/figure.js'
import { SimulatedFleet } from '../support/fleet.js'
import { codeBlocks } from '../support/markdown.js'
import { seededRandom } from '../support/random.js'
import { Simulation } from '../support/simulation.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = '.cache/faq'
const page = readFileSync(join(root, 'docs/faq.md'), 'utf8')

const HOUR = 3_600_000
/** Counted from the second hour on: in the first, each task has made a call, and no refresh is due. */
const HOURS = 3
const TASKS = 200

/** The cells of a table row. */
const figures = (row: string): number[] => {
  const [, cells = ''] = new RegExp(`^\\| ${row} \\|(.+)\\|$`, 'm').exec(page) ?? []
  return cells.split('|').map(cell => Number(cell.replace(/[^\d]/g, '')))
}

describe('docs/faq.md', () => {
  before(() => mkdirSync(join(root, folder), { recursive: true }))
  after(() => rmSync(join(root, folder), { recursive: true, force: true }))

  describe('counts the API calls of 200 tasks in an hour', () => {
    it('without a store', async () => {
      const random = seededRandom(22)
      const counted = await Promise.all(
        [900, 3_600].map(async lifetimeSeconds => {
          let calls = 0
          for (let task = 0; task < TASKS; task++) {
            const sim = new Simulation({ lifetimeSeconds, random })
            const settled = sim.clock.trueTime + HOUR
            for (let passed = 0; passed < (1 + HOURS) * HOUR; passed += 20_000) {
              await sim.get()
              await sim.clock.pass(20_000)
            }
            calls += sim.aws.calls.filter(({ at }) => at >= settled).length
          }
          return calls / HOURS
        }),
      )
      figure(`200 tasks without a store: ${counted.map(Math.round).join(' and ')} calls an hour`)
      for (const [index, published] of figures('without a store').entries())
        expect(counted[index]).to.be.within(published * 0.97, published * 1.03)
    })

    it('with a store', async () => {
      const counted = await Promise.all(
        [900, 3_600].map(async lifetimeSeconds => {
          const fleet = new SimulatedFleet(TASKS, { random: seededRandom(22), lifetimeSeconds })
          const settled = fleet.time.now + HOUR
          for (const end = settled + HOURS * HOUR; fleet.time.now < end; await fleet.time.advance(20_000))
            await fleet.getAll()
          return fleet.calls.filter(({ at }) => at >= settled).length / HOURS
        }),
      )
      figure(`200 tasks with a store: ${counted.join(' and ')} calls an hour`)
      for (const [index, published] of figures('with a store').entries())
        expect(counted[index]).to.be.within(published - 0.5, published + 0.5)
    })
  })

  /** Runs an example of a page, followed by more code. Resolves to its output. */
  const run = async (from: string, part: string, more: string, options: EmulatorOptions = {}): Promise<unknown> => {
    const { code } = codeBlocks(from, 'ts').find(block => block.code.includes(part)) ?? {}
    if (code === undefined) throw new Error(`There is no example with ${part}.`)
    await using emulator = await startEmulator(options)
    const file = `${folder}/${part.replace(/\W/g, '')}.ts`
    writeFileSync(join(root, file), `${code}\n${more}`)
    const end = await runExample(file, emulator)
    expect(end.stderr).to.equal('')
    expect(end.code).to.equal(0)
    const calls = emulator.calls.map(({ parameters }) => parameters)
    return { printed: JSON.parse(end.stdout), calls }
  }

  it("shows where pg's own options go, and which Redshift supports", async () => {
    const more = `
const show = async (name: string) => (await pool.query(\`show \${name}\`)).rows[0][name]
const shown = [await show('application_name'), await show('statement_timeout'), await show('search_path')]
const refused = new RedshiftPool({ ...pool.options, lock_timeout: 1_000 })
const { code } = await refused.query('select 1').catch(error => error)
console.log(JSON.stringify([...shown, code]))
await pool.end()
await refused.end()
`
    const { printed } = (await run(page, 'statement_timeout', more, { redshiftDialect: true })) as { printed: unknown }
    expect(printed).to.deep.equal(['reports', '1min', 'sales, public', '42704'])
  })

  it('gives each tenant a user in the group of readers', async () => {
    const more = `
const pools = ['a', 'b'].map(poolOf)
const names = await Promise.all(pools.map(async pool => (await pool.query('select current_user')).rows[0].current_user))
console.log(JSON.stringify(names))
await Promise.all(pools.map(pool => pool.end()))
`
    const { printed, calls } = (await run(page, 'poolOf', more)) as { printed: unknown; calls: object[] }
    expect(printed).to.deep.equal(['IAMA:tenant_a:readers', 'IAMA:tenant_b:readers'])
    for (const call of calls) expect(call).to.deep.include({ AutoCreate: true, DbGroups: ['readers'] })
  })

  it('queries two databases of one cluster by Knex with one login', async () => {
    const more = `
const names = []
for (const db of [sales, stock]) names.push((await db.raw('select current_database()')).rows[0].current_database)
console.log(JSON.stringify(names))
await Promise.all([sales.destroy(), stock.destroy()])
`
    const orms = readFileSync(join(root, 'docs/orms.md'), 'utf8')
    const databases = ['sales', 'stock']
    const { printed, calls } = (await run(orms, "open('sales')", more, { databases })) as {
      printed: unknown
      calls: object[]
    }
    expect(printed).to.deep.equal(databases)
    expect(calls).to.have.lengthOf(1)
  })

  it('says how often the AWS SDK calls a function that returns AWS credentials', async () => {
    await using emulator = await startEmulator()
    const callsWith = async (more: object): Promise<number> => {
      let calls = 0
      const keys = async () => {
        calls++
        return { ...emulator.aws.credentials, ...more }
      }
      await using credentials = new RedshiftCredentials({ aws: { ...emulator.aws, credentials: keys } })
      const place = emulator.poolConfig()
      credentials.invalidate(await credentials.get(place))
      await credentials.get(place)
      return calls
    }
    expect(await callsWith({})).to.equal(1)
    expect(await callsWith({ expiration: new Date(Date.now() + 60_000) })).to.be.above(1)
    expect(emulator.calls).to.have.lengthOf(4)
  })
})
