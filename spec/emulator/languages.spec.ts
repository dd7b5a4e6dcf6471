import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { parse } from 'yaml'
import { useCli } from '../support/cli.js'
import { codeBlocks } from '../support/markdown.js'

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
const page = read('docs/emulator.md')

const works = (program: string, ...parameters: string[]): boolean => spawnSync(program, parameters).status === 0
/** A version as a comparable number: 1.29 is 1029. */
const version = (text: string): number => {
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
  return Number(major) * 1_000 + Number(minor)
}
const output = (program: string, ...parameters: string[]): string =>
  spawnSync(program, parameters, { encoding: 'utf8' }).stdout ?? ''

/** The interpreter with Debian's packages may not be the first in the path. */
const pythons = ['python3', '/usr/bin/python3']
const python = pythons.find(program => works(program, '-c', 'import boto3, psycopg2'))
const pythonWithBoto = pythons.find(
  program => version(output(program, '-c', 'import boto3; print(boto3.__version__)')) >= 1_028,
)
const awsVersion = version(output('aws', '--version'))
const awsReadsEndpoints = awsVersion >= 2_013 || (awsVersion >= 1_029 && awsVersion < 2_000)
const psql = works('psql', '--version')
const curl = works('curl', '--version')
const lib = { pq: '/usr/share/gocode/src/github.com/lib/pq', jdbc: '/usr/share/java/postgresql.jar' }
const go = works('go', 'version') && existsSync(lib.pq)
const java = works('javac', '-version') && existsSync(lib.jdbc)

/** A title that says whether the spec is skipped. */
const titled = (title: string, isInstalled: boolean, missing: string): string =>
  isInstalled ? title : `${title} (SKIPPED: ${missing})`

describe('docs/emulator.md for other languages', () => {
  const cli = useCli()
  before(() => {
    mkdirSync(join(cli.folder, 'bin'))
    const npx = `#!/bin/sh\nshift\nexec "${process.execPath}" "${cli.main}" "$@"\n`
    writeFileSync(join(cli.folder, 'bin/npx'), npx, { mode: 0o755 })
  })

  /** Runs a command in `emulate`, on the shared server, in the folder with the page's files. */
  const emulate = (flags: readonly string[], command: readonly string[], env: Record<string, string> = {}) => {
    const url = new URL(process.env.REDSHIFT_EMULATOR_POSTGRES ?? '')
    const PGPASSWORD = decodeURIComponent(url.password)
    url.password = ''
    return cli.run(['emulate', '--postgres', url.href, ...flags, '--', ...command], {
      PATH: `${join(cli.folder, 'bin')}:${process.env.PATH}`,
      PGPASSWORD,
      ...env,
    })
  }
  const file = (name: string, content: string): string => {
    writeFileSync(join(cli.folder, name), content)
    return name
  }
  /** The first code block of a language that contains these words. */
  const block = (language: string, words = ''): string => {
    const found = codeBlocks(page, language).find(({ code }) => code.includes(words))
    if (!found) throw new Error(`The page has no ${language} with ${words}.`)
    return found.code
  }

  it(
    titled('logs in from the shell', psql && awsReadsEndpoints, 'no psql, or no AWS CLI 2.13 (1.29)'),
    async function () {
      if (!psql || !awsReadsEndpoints) this.skip()
      const { code, stdout, stderr } = await emulate([], ['sh', '-e', file('login.sh', block('sh', 'read -r PGUSER'))])
      expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: 'alice\n', stderr: '' })
    },
  )

  it(titled('logs in from the shell by exec', psql, 'no psql'), async function () {
    if (!psql) this.skip()
    const script = file('exec.sh', block('sh', 'pg-redshift-iam exec'))
    expect(await emulate([], ['sh', '-e', script])).to.include({ code: 0, stdout: 'IAMR:analyst\n', stderr: '' })
  })

  it(titled('logs in from Python', python !== undefined, 'no psycopg2 and boto3'), async function () {
    if (python === undefined) this.skip()
    const isOld = python !== pythonWithBoto
    const endpoint = /`(endpoint_url=[^`]+)`/.exec(page)?.[1]
    const source = isOld
      ? `import os\n${block('python').replace('client("redshift")', `client("redshift", ${endpoint})`)}`
      : block('python')
    const { code, stdout, stderr } = await emulate([], [python, '-W', 'ignore', file('report.py', source)])
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: 'alice\n', stderr: '' })
  })

  it(
    titled('connects boto3 through the environment alone', pythonWithBoto !== undefined, 'no boto3 1.28'),
    async function () {
      if (pythonWithBoto === undefined) this.skip()
      const source = [
        'import boto3',
        'print(boto3.client("sts").get_caller_identity()["Arn"])',
        'print(boto3.client("redshift-serverless").get_credentials(workgroupName="analytics")["dbUser"])',
        'print(boto3.client("redshift").describe_clusters()["Clusters"][0]["ClusterIdentifier"])',
      ]
      // Also with a proxy: nothing may be sent through it.
      const env = { HTTP_PROXY: 'http://127.0.0.1:9' }
      const parameters = [pythonWithBoto, '-W', 'ignore', file('boto.py', source.join('\n'))]
      const { code, stdout, stderr } = await emulate([], parameters, env)
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      expect(stdout).to.equal('arn:aws:sts::123456789012:assumed-role/analyst/session\nIAMR:analyst\nexamplecluster\n')
    },
  )

  it(titled('logs in from Go', go, 'no go, or no lib/pq'), async function () {
    if (!go) this.skip()
    const command = commandOf(block('sh', 'go run'), file('report.go', block('go')))
    const env = { GOPATH: '/usr/share/gocode', GO111MODULE: 'off', GOCACHE: join(cli.folder, 'go'), GOFLAGS: '' }
    const { code, stdout, stderr } = await emulate([], command, env)
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: 'IAMR:analyst\n', stderr: '' })
  })

  it(titled('logs in from Java', java, 'no JDK, or no JDBC driver'), async function () {
    if (!java) this.skip()
    file('Report.java', block('java'))
    const command = commandOf(block('sh', 'java -cp'), lib.jdbc)
    const { code, stdout, stderr } = await emulate([], command, { JAVA_TOOL_OPTIONS: '' })
    expect({ code, stdout }, stderr).to.deep.equal({ code: 0, stdout: 'IAMR:analyst\n' })
  })

  it(titled('changes faults from the shell', curl, 'no curl'), async function () {
    if (!curl) this.skip()
    const script = block('sh', 'control() {')
    const expected = [...script.matchAll(/(?:^| )# ([[{].*)$/gm)].map(([, response]) => response)
    expect(expected).to.have.lengthOf(2)
    const { code, stdout, stderr } = await emulate(
      ['--control', '--databases', 'faults_page'],
      ['sh', '-e', file('faults.sh', script)],
    )
    expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
    expect(stdout.trim().split('\n')).to.deep.equal(expected)
  })

  it('lists every path of the control endpoint', async () => {
    const source = read('lib/cli/emulate/control-routes.ts')
    const paths = [...source.matchAll(/^ {4}'(\/[a-z-]*)'/gm)].map(([, path]) => path)
    expect(paths).to.have.length.above(5)
    for (const path of paths) expect(page).to.match(new RegExp(`\\| .*\`[A-Z]+ ${path}\``))
  })

  it('has commands for CI and a container that emulate accepts', async () => {
    const { jobs } = parse(block('yaml'))
    const steps: { run?: string }[] = jobs.test.steps
    const [, , flags = ''] = /^npx (\S+) emulate (.*) -- pytest$/.exec(steps.at(-1)?.run ?? '') ?? []
    expect(await emulate(flags.split(' '), ['sh', '-c', 'exit 5'])).to.include({ code: 5, stderr: '' })
    const [, entry = ''] = /^ENTRYPOINT (.+)$/m.exec(read('examples/emulator/Dockerfile')) ?? []
    const [name, command, ...fixed]: string[] = JSON.parse(entry)
    expect([name, command]).to.deep.equal(['pg-redshift-iam', 'emulate'])
    // Its ports may be in use on this machine.
    const others = fixed.filter((flag, index) => !/port$/.test(flag) && !/port$/.test(fixed[index - 1] ?? ''))
    expect(fixed).to.have.length.above(others.length)
    expect(await emulate(others, ['sh', '-c', 'exit 6'])).to.include({ code: 6, stderr: '' })
  })
})

/** The command after `emulate --` on the page, with another file. */
function commandOf(line: string, file: string): string[] {
  const [, command = ''] = /emulate -- (?:\\\n)?\s*([\s\S]+)$/.exec(line) ?? []
  return command
    .trim()
    .split(/[\s\\]+/)
    .map(word => (/\.(go|jar)$/.test(word) ? file : word))
}
