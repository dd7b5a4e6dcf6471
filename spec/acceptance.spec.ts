import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Emulated, startEmulated } from '../acceptance/emulated.js'
import { fidelityPage } from '../acceptance/fidelity.js'
import { masker } from '../acceptance/mask.js'
import { type Finding, type Question, questionsFor } from '../acceptance/question.js'
import { allQuestions, wireQuestions } from '../acceptance/questions/all.js'
import { toJson, toMarkdown } from '../acceptance/report.js'
import { askAll } from '../acceptance/run.js'
import type { EmulatorOptions, Fault, FaultScope, RedshiftEmulator } from '../lib/emulator/index.js'

const kinds = ['provisioned', 'serverless'] as const

/** The questions with an unexpected result. */
const others = (findings: readonly Finding[]): string[] =>
  findings.filter(({ verdict }) => verdict !== 'as expected').map(({ question }) => question.id)

const wrongServer: Fault = { kind: 'reject-login', sqlstate: '57P03', message: 'the server is starting up' }
const wrongApi: Fault = { kind: 'validation', message: 'something else' }

/** A fault that changes the emulator's response to one question. */
const faults: Readonly<Record<string, readonly [Fault, FaultScope?]>> = {
  'group-user-name': [{ kind: 'malformed', how: 'no-user' }],
  'same-password-again': [{ kind: 'same-expiry', samePassword: true }],
  'old-password-lives-on': [wrongServer],
  lifetime: [{ kind: 'malformed', how: 'far-expiration' }],
  'date-header': [{ kind: 'stale-date', ageSeconds: 60 }],
  'retry-after': [{ kind: 'throttling', retryAfterSeconds: 1 }],
  'described-address': [{ kind: 'access-denied' }, { operation: 'DescribeClusters' }],
  'error-not-found': [wrongApi],
  'error-duration': [wrongApi],
  'error-database-name': [wrongApi],
  'error-user-name': [wrongApi],
  'error-group-name': [wrongApi],
  'error-custom-domain': [wrongApi],
  'wrong-password': [{ kind: 'reject-login', sqlstate: '28P01' }],
  'other-database': [wrongServer],
  'missing-database': [wrongServer],
  'without-tls': [{ kind: 'no-hba-entry' }],
  'missing-user': [wrongServer],
  'unknown-parameter': [wrongServer],
  'driver-parameters': [wrongServer],
  'expired-login': [wrongServer],
  rotation: [wrongServer],
}

/** An emulator with an option that changes its behaviour, and the questions that must notice. */
const variants: readonly (readonly [EmulatorOptions, ...string[]])[] = [
  [{ authentication: 'md5' }, 'authentication-code'],
  [{ nextRefreshSeconds: null }, 'next-refresh-time'],
  [{ identity: 'analyst' }, 'user-name'],
  [{ redshiftDialect: false }, 'reported-parameters', 'server-version'],
]

describe('The acceptance kit', () => {
  const running: Emulated[] = []
  const start = async (kind: (typeof kinds)[number], options?: EmulatorOptions): Promise<Emulated> => {
    const emulated = await startEmulated(kind, options)
    running.push(emulated)
    return emulated
  }
  afterEach(async () => {
    for (const { close } of running.splice(0)) await close()
  })

  for (const kind of kinds)
    it(`gets the expected result for every question (${kind})`, async () => {
      const { target } = await start(kind)
      const findings = await askAll(target, wireQuestions)
      expect(others(findings)).to.deep.equal([])
      expect(findings.map(({ question }) => question.id)).to.deep.equal(
        questionsFor(wireQuestions, target).map(({ id }) => id),
      )
    })

  /** Injects the faults for these questions. */
  const otherwise =
    (emulator: RedshiftEmulator, ids: readonly string[]) =>
    async ({ id }: Question): Promise<(() => void) | undefined> => {
      if (!ids.includes(id)) return undefined
      if (id === 'open-session-survives') {
        await emulator.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()')
        return undefined
      }
      const [fault, scope] = faults[id] ?? []
      if (!fault) throw new Error(`There is no fault for ${id}.`)
      const active = emulator.fail(fault, scope)
      return () => active.clear()
    }

  // Every other question, then the rest: each must be the only one to fail among its neighbours.
  for (const offset of [0, 1])
    it(`reports a wrong response on the line of its question (${offset === 0 ? 'even' : 'odd'} ones)`, async () => {
      const { emulator, target } = await start('provisioned')
      const chosen = Object.keys({ ...faults, 'open-session-survives': [] }).filter((_, index) => index % 2 === offset)
      const findings = await askAll(target, wireQuestions, otherwise(emulator, chosen))
      expect(others(findings)).to.have.members(chosen)
    })

  for (const [options, ...ids] of variants)
    it(`detects an emulator with ${JSON.stringify(options)}`, async () => {
      const { target } = await start('provisioned', options)
      const findings = await askAll({ ...target, long: false }, wireQuestions)
      expect(others(findings)).to.have.members(ids)
    })

  it('detects a certificate with a different kind of name', async () => {
    const { target } = await start('provisioned', { customDomains: { 'db.example.com': 'examplecluster' } })
    const findings = await askAll({ ...target, host: 'db.example.com', long: false }, wireQuestions)
    // AWS describes the cluster's own name.
    expect(others(findings)).to.have.members(['certificate-names', 'described-address'])
  })

  it('has a wrong response for every question about the wire protocol', () => {
    const known = new Set([...Object.keys(faults), ...variants.flatMap(([, ...ids]) => ids)])
    for (const id of ['open-session-survives', 'certificate-names']) known.add(id)
    expect(wireQuestions.map(({ id }) => id).filter(id => !known.has(id))).to.deep.equal([])
  })

  it('prints neither secrets nor account numbers', async () => {
    const { emulator, target } = await start('provisioned')
    const findings = await askAll({ ...target, long: false }, [
      {
        ...(wireQuestions[0] as Question),
        ask: async session => {
          const { password } = await session.login()
          return `${password} ${await session.callerArn()} ${target.host} ASIAIOSFODNN7EXAMPLE`
        },
      },
    ])
    const published = toMarkdown('A run', findings) + toJson('A run', findings)
    // Once in Markdown, where a tag would disappear, and once in JSON.
    const shown = '<secret> arn:aws:sts::<account>:assumed-role/analyst/<session> <host> <key id>'
    expect(published).to.include(shown).and.to.include(shown.replaceAll('<', '&lt;'))
    expect(published).not.to.include(target.name)
    expect(published).not.to.include(emulator.aws.credentials.secretAccessKey)
  })

  it('masks a name that contains another name', () => {
    const mask = masker(
      ['secret'],
      new Map([
        ['db', 'short'],
        ['db.example.com', 'long'],
      ]),
    )
    expect(mask('db.example.com has secret, 123456789012')).to.equal('<long> has <secret>, <account>')
  })

  it('documents every question', () => {
    const page = readFileSync(fileURLToPath(new URL('../docs/fidelity.md', import.meta.url)), 'utf8')
    expect(page, 'run npm run fidelity').to.equal(fidelityPage())
    for (const { asks, id } of allQuestions)
      expect(page).to.include(id.startsWith('example-') ? 'Do the examples run' : asks)
  })

  it('names an existing file for every rule', () => {
    const root = fileURLToPath(new URL('..', import.meta.url))
    for (const { rule } of allQuestions) expect(existsSync(join(root, rule.file)), rule.file).to.equal(true)
  })
})
