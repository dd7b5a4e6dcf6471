import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { startEmulator } from '../support/emulator.js'
import { Example } from '../support/example.js'
import { codeBlocks } from '../support/markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = '.cache/health-check'
const page = readFileSync(join(root, 'docs/observability.md'), 'utf8')
const blockWith = (language: string, part: string): string => {
  const { code } = codeBlocks(page, language).find(block => block.code.includes(part)) ?? {}
  if (code === undefined) throw new Error(`docs/observability.md has no example with ${part}.`)
  return code
}

/** Evaluates each line of input as an expression, and prints the result. */
const answering = (expression: string): string => `
import { createInterface } from 'node:readline'
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(${expression}))
`

describe('docs/observability.md', () => {
  before(() => {
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(
      join(root, folder, 'check.ts'),
      `${blockWith('ts', 'health()')}${answering('[await health(), pool.credentials.status()[0]]')}await pool.end()\n`,
    )
    writeFileSync(
      join(root, folder, 'metrics.ts'),
      `${blockWith('ts', 'prom-client')}
import { RedshiftPool } from 'pg-redshift-iam'
import { register } from 'prom-client'
const pool = new RedshiftPool({ host: process.env.REDSHIFT_HOST ?? '', database: 'dev', maxUses: 1 })
${answering("[await pool.query('select 1').then(() => true, () => false), await register.metrics()]")}await pool.end()\n`,
    )
  })
  after(() => rmSync(join(root, folder), { recursive: true }))

  it('has a health check with the states ok, degraded and down, which makes no API call', async () => {
    await using emulator = await startEmulator({ lifetimeSeconds: 6 })
    const { host } = emulator.poolConfig('serverless')
    const check = new Example(`${folder}/check.ts`, emulator, { env: { REDSHIFT_HOST: host } })
    const ask = async () => JSON.parse(await check.ask('?'))
    try {
      expect((await ask())[0]).to.equal('ok')
      emulator.fail({ kind: 'access-denied' })
      const seen: [string, Record<string, unknown>][] = []
      while (seen.at(-1)?.[0] !== 'down') seen.push(await ask())
      expect([...new Set(seen.map(([state]) => state))].filter(state => state !== 'ok')).to.deep.equal([
        'degraded',
        'down',
      ])
      expect(emulator.calls.filter(({ status }) => status === 200)).to.have.lengthOf(1)
      const [, degraded] = seen.find(([state]) => state === 'degraded') ?? []
      const [sample] = JSON.parse(blockWith('json', 'lastError'))
      expect(Object.keys(degraded ?? {})).to.deep.equal(Object.keys(sample))
      for (const key of ['api', 'target', 'database', 'user', 'phase', 'inDoubt'])
        expect(degraded?.[key]).to.equal(sample[key])
      expect(Object.keys(degraded?.lastError ?? {})).to.deep.equal(Object.keys(sample.lastError))
      expect(degraded?.lastError).to.include({ code: sample.lastError.code })
      const [told] = sample.lastError.message.split(' …')
      expect((degraded?.lastError as { message: string }).message.startsWith(told)).to.equal(true)
      expect((await check.end()).code).to.equal(0)
    } finally {
      check.kill()
    }
  })

  it('has metrics for Prometheus that count fetches and rejections', async () => {
    await using emulator = await startEmulator()
    const { host } = emulator.poolConfig('serverless')
    const program = new Example(`${folder}/metrics.ts`, emulator, { env: { REDSHIFT_HOST: host } })
    try {
      await program.ask('?', line => line.startsWith('[true'))
      emulator.revokeLogins()
      const [, metrics] = JSON.parse(await program.ask('?'))
      const fetched = 'target="analytics",background="false",outcome="fetched",code=""'
      expect(metrics).to.match(new RegExp(`^redshift_login_fetch_seconds_count\\{${fetched}\\} 1$`, 'm'))
      expect(metrics).to.match(/^redshift_logins_refused_total\{target="analytics",accepted="true"\} 1$/m)
      expect((await program.end()).code).to.equal(0)
    } finally {
      program.kill()
    }
  })
})
