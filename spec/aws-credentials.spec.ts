import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { CREDENTIAL_FAILURES } from '../lib/aws/credentials/failures.js'
import { inFlags } from '../lib/cli/terminal/wording.js'
import { RedshiftCredentials, type RedshiftCredentialsError } from '../lib/index.js'
import { AwsDoors } from './support/aws-doors.js'
import { type Cli, ended, withCli } from './support/cli.js'
import { type CredentialCase, credentialCases } from './support/credential-cases.js'
import { disclosures } from './support/disclosure.js'

const host = 'examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com'
const SECRETS = ['hunter2', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'AKIAIOSFODNN7EXAMPLE']

describe('AWS credentials that cannot be loaded', function () {
  this.timeout(60_000)
  let cli: Cli
  let doors: AwsDoors
  let cases: readonly CredentialCase[]
  const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-aws-'))
  const environment = { ...process.env }
  withCli(built => {
    cli = built
  })
  before(async () => {
    doors = await AwsDoors.open()
    cases = credentialCases(doors)
  })
  after(() => {
    setEnvironment(environment)
    doors.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** In place: Node passes changes of `process.env` on to the system, which knows where HOME is. */
  function setEnvironment(env: Readonly<Record<string, string | undefined>>): void {
    for (const name of Object.keys(process.env)) if (/^(AWS_|HOME$)/.test(name)) delete process.env[name]
    Object.assign(process.env, env)
  }

  let homes = 0
  /** The variables of a user who has these files. */
  function livingWith({ env = {}, config, files = {} }: CredentialCase): Record<string, string> {
    const home = join(folder, String(++homes))
    const all = { '.aws/config': config ?? '', ...files }
    for (const [name, content] of Object.entries(all)) {
      mkdirSync(dirname(join(home, name)), { recursive: true })
      writeFileSync(join(home, name), content)
    }
    const filled = Object.entries(env).map(([name, value]) => [name, value.replace('{home}', home)])
    return { AWS_EC2_METADATA_DISABLED: 'true', HOME: home, ...Object.fromEntries(filled) }
  }

  async function inProgram(env: Readonly<Record<string, string>>): Promise<RedshiftCredentialsError> {
    setEnvironment(env)
    await using credentials = new RedshiftCredentials({ host, database: 'dev' })
    return await credentials.get().then(
      () => expect.fail('It did not fail.'),
      error => error,
    )
  }

  async function inCheck(
    env: Readonly<Record<string, string>>,
  ): Promise<{ code: string; message: string; all: string }> {
    const without = Object.keys(cli.env).filter(name => name.startsWith('AWS_'))
    const unset = Object.fromEntries(without.map(name => [name, undefined]))
    const { stdout, stderr } = await ended(cli.start(['check', '--json', '--host', host], { ...unset, ...env }))
    const step = JSON.parse(stdout).steps.find(({ step }: { step: string }) => step === 'credentials')
    return { ...step, all: stdout + stderr }
  }

  it('have a case for each row of the table', () => {
    const failures = CREDENTIAL_FAILURES.filter(({ sources }) => !sources.every(kind => kind === 'own'))
    expect([...new Set(cases.map(({ failure }) => failure))].sort()).to.deep.equal(
      failures.map(({ failure }) => failure).sort(),
    )
  })

  for (const source of new Set(CREDENTIAL_FAILURES.flatMap(({ sources }) => sources.filter(kind => kind !== 'own'))))
    it(`name the culprit and the cure, in a program and in check: ${source}`, async () => {
      const rows = CREDENTIAL_FAILURES.filter(({ sources }) => sources.includes(source))
      const own = cases.filter(one => one.source === source)
      for (const one of own) {
        const env = livingWith(one)
        const checked = inCheck(env)
        const error = await inProgram(env)
        const row = rows.find(({ failure }) => failure === one.failure)
        expect(error.code, error.message).to.equal('ERR_REDSHIFT_AWS_CREDENTIALS')
        if (typeof one.cure === 'string') expect(error.remedy).to.include(one.cure)
        expect(error.message, row?.failure)
          .to.match(/^[A-Z].*\. [A-Z].*\.$/)
          .and.not.match(/undefined|\n/)
        const { code, message, all } = await checked
        expect({ code, message }).to.deep.equal({ code: error.code, message: inFlags(error) })
        expect(disclosures({ error, all }, SECRETS), one.failure).to.deep.equal([])
        if (process.env.SHOW) console.log(`${one.source} | ${error.message}`)
      }
    })
})
