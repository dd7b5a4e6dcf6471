import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDB,
  type DynamoDBClient,
  ScanCommand,
  UpdateItemCommand,
  waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb'
import { RedshiftClient } from '@aws-sdk/client-redshift'
import { DynamoDBDocument, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { expect } from 'chai'
import { parse } from 'yaml'
import { checkStore, type RedshiftEmulator } from '../../lib/emulator/index.js'
import { quoted } from '../../lib/errors.js'
import { RedshiftCredentials, RedshiftPool, type StoreMessage } from '../../lib/index.js'
import { type DynamoDbStoreOptions, dynamoDbStore } from '../../lib/store/dynamodb.js'
import { DynaliteServer, dynamoDbClient, TABLE } from '../support/dynalite.js'
import { startEmulator } from '../support/emulator.js'
import { type Endpoint, startEndpoint } from '../support/endpoint.js'
import { codeBlocks } from '../support/markdown.js'
import { expectError, rejection, thrownBy } from '../support/rejection.js'

const KEY = randomBytes(32)
const page = readFileSync(new URL('../../docs/fleet.md', import.meta.url), 'utf8')

/** Replaces DynamoDB's response, or changes its headers. */
type Meddle = (response: { status: number; headers: Record<string, string>; body: string }) => void

/** A proxy between a client and dynalite, which records requests. */
class Observed {
  readonly requests: { operation: string; parameters: { Key?: { id?: { S?: string } } } }[] = []
  meddle: Meddle | undefined
  /** Responses to drop, for each operation. */
  lost: Record<string, number> = {}
  readonly #target: string

  constructor(target: string) {
    this.#target = target
  }

  /** For {@link startEndpoint}. If it rejects, the connection is closed, and the SDK sends its request again. */
  readonly respond: Endpoint['respond'] = async (request, sent) => {
    const body = sent.toString()
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    this.requests.push({ operation, parameters: JSON.parse(body) })
    const headers = request.headers as Record<string, string>
    const { 'content-length': _, host: __, connection: ___, 'transfer-encoding': ____, ...others } = headers
    const forwarded = await fetch(this.#target, { method: 'POST', headers: others, body })
    const {
      'content-length': _____,
      connection: ______,
      'keep-alive': _______,
      ...kept
    } = Object.fromEntries(forwarded.headers)
    const changed = { status: forwarded.status, headers: kept, body: await forwarded.text() }
    if ((this.lost[operation] ?? 0) > 0) {
      this.lost[operation] = (this.lost[operation] ?? 0) - 1
      return 'drop'
    }
    this.meddle?.(changed)
    return changed
  }
}

describe('logins that are shared through DynamoDB', () => {
  let emulator: RedshiftEmulator
  let dynalite: DynaliteServer
  let observed: Observed
  let proxy: Endpoint
  let url: string
  let admin: DynamoDBClient
  const open: { close(): unknown }[] = []
  const messages: StoreMessage[] = []
  const note = (message: unknown): void => void messages.push(message as StoreMessage)
  const { signal } = new AbortController()

  before(async () => {
    ;[emulator, dynalite] = await Promise.all([startEmulator(), DynaliteServer.start()])
    observed = new Observed(dynalite.url)
    proxy = await startEndpoint(observed.respond)
    url = proxy.url
    admin = dynamoDbClient(dynalite.url)
    subscribe('pg-redshift-iam:store', note)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map(it => it.close()))
    observed.meddle = undefined
    observed.lost = {}
    observed.requests.length = 0
    emulator.calls.length = 0
    messages.length = 0
    await dynalite.kill()
    await dynalite.restart()
  })
  after(async () => {
    unsubscribe('pg-redshift-iam:store', note)
    await Promise.all([proxy?.close(), emulator?.close(), dynalite?.kill()])
  })

  const client = (): DynamoDBClient => {
    const made = dynamoDbClient(url)
    open.push({ close: () => made.destroy() })
    return made
  }
  const create = (options: Partial<DynamoDbStoreOptions> = {}, made: Parameters<typeof dynamoDbStore>[0] = client()) =>
    dynamoDbStore(made, { tableName: TABLE, encryptionKeys: [KEY], identity: 'reports', ...options })

  /** Credentials as in each process of a fleet. */
  function share(store = create()): RedshiftCredentials {
    const { host, database } = emulator.poolConfig()
    const options = { aws: emulator.aws, host, database, dbUser: 'alice', autoCreate: true, store }
    const credentials = new RedshiftCredentials(options)
    open.push(credentials)
    return credentials
  }

  const items = async () => (await admin.send(new ScanCommand({ TableName: TABLE }))).Items ?? []

  it('are fetched once by all kinds of client, and work', async () => {
    const whole = dynamoDbClient(url)
    const all = new DynamoDB({ endpoint: url, region: 'us-west-2', credentials: whole.config.credentials })
    open.push({ close: () => all.destroy() }, { close: () => whole.destroy() })
    const clients = [client(), DynamoDBDocumentClient.from(client()), all, DynamoDBDocument.from(client())]
    const fleet = clients.map(one => share(create({}, one)))
    const logins = await Promise.all(fleet.map(credentials => credentials.get()))
    expect(new Set(logins.map(({ password }) => password)).size).to.equal(1)
    expect(emulator.calls).to.have.lengthOf(1)
    const pool = new RedshiftPool({ ...emulator.poolConfig(), redshift: fleet[1] })
    expect((await pool.query('select session_user')).rows).to.deep.equal([{ session_user: 'IAMA:alice' }])
    await pool.end()
  })

  it('pass checkStore with each kind of client', async () => {
    await checkStore(create())
    await checkStore(create({}, DynamoDBDocumentClient.from(client())))
  })

  it('are stored encrypted, under a name that reveals nothing, with a time to live', async () => {
    const { user, password } = await share().get()
    const [item, ...others] = await items()
    expect(others).to.deep.equal([])
    expect(item).to.have.keys('id', 'sealed', 'sealedUntil', 'expires')
    expect(item?.id?.S).to.match(/^pg-redshift-iam:[\w-]{43}$/)
    const clear = JSON.stringify(item) + Buffer.from(item?.sealed?.S?.slice(3) ?? '', 'base64url').toString('latin1')
    for (const secret of [password, user, 'alice', 'examplecluster', 'reports']) expect(clear).to.not.include(secret)
    expect(Number(item?.sealedUntil?.N) - Date.now()).to.be.within(890_000, 900_000)
    expect(Number(item?.expires?.N) - Date.now() / 1_000).to.be.within(86_000 + 890, 86_400 + 910)
    // The cost of an item: a write of up to 1 kB is one unit.
    expect(JSON.stringify(item).length).to.be.below(1_024)
  })

  it('are fetched separately for each identity and each prefix', async () => {
    for (const options of [{}, { identity: 'exports' }, { prefix: 'staging:' }, { prefix: 'staging:' }])
      await share(create(options)).get()
    expect(emulator.calls).to.have.lengthOf(3)
  })

  describe('are as old as DynamoDB says,', () => {
    const { now } = Date
    afterEach(() => {
      Date.now = now
    })

    it("even if the hosts' clocks differ", async () => {
      const [one, other] = [create(), create()]
      Date.now = () => now() + 3_600_000
      expect(await one.claim('key', 'one', 3_000, signal)).to.equal(true)
      Date.now = () => now() - 86_400_000
      expect(await other.claim('key', 'two', 3_000, signal)).to.equal(false)
      Date.now = () => now() + 3_600_000
      expect(await one.write('key', 'one', 'value', 60_000, signal)).to.equal(true)
      Date.now = () => now() - 86_400_000
      expect((await other.read('key', signal)).stored?.remainingMillis).to.be.within(50_000, 60_000)
    })

    it("even if its clock differs from the hosts' by an hour", async () => {
      observed.meddle = response => {
        response.headers.date = new Date(Date.parse(response.headers.date ?? '') + 3_600_000).toUTCString()
      }
      await checkStore(create())
    })

    it('even if a host was suspended between its read and its write: they may seem older, never younger', async () => {
      const store = create()
      await store.claim('key', 'one', 30_000, signal)
      // A suspended machine does not measure the time.
      observed.meddle = response => {
        response.headers.date = new Date(Date.parse(response.headers.date ?? '') + 20_000).toUTCString()
      }
      expect(await store.write('key', 'one', 'value', 60_000, signal)).to.equal(true)
      expect((await store.read('key', signal)).stored?.remainingMillis).to.be.within(30_000, 40_000)
    })

    it('in the response with the login, even if an older response arrives at the same time', async () => {
      const writer = create()
      await writer.claim('key', 'one', 30_000, signal)
      await writer.write('key', 'one', 'value', 60_000, signal)
      const one = client()
      let isFirst = true
      const send: (typeof one)['send'] = async (command: never, options: never) => {
        const output = await one.send(command, options)
        if (!isFirst) return output
        isFirst = false
        observed.meddle = response => {
          response.headers.date = new Date(Date.parse(response.headers.date ?? '') - 20_000).toUTCString()
        }
        await store.read('another', signal)
        return output
      }
      const store = create({}, { send })
      expect((await store.read('key', signal)).stored?.remainingMillis).to.be.within(50_000, 60_000)
    })

    it('and a response without Date is not used with an earlier Date', async () => {
      const store = create()
      await store.claim('key', 'one', 30_000, signal)
      await store.write('key', 'one', 'value', 60_000, signal)
      observed.meddle = response => void Object.assign(response.headers, { date: '' })
      expect(await rejection(store.read('key', signal))).to.include({ code: 'NO_DATE' })
    })
  })

  it('come from AWS if DynamoDB responds without Date, or through a cache', async () => {
    for (const change of [{ date: '' }, { age: '7' }]) {
      observed.meddle = response => void Object.assign(response.headers, change)
      await share(create({ identity: JSON.stringify(change) })).get()
      expect(messages.at(-1)).to.include({ event: 'direct', reason: 'failed', detail: 'Error NO_DATE' })
    }
  })

  it('are written once if the response to the write was lost, and the next claim is left unchanged', async () => {
    const store = create()
    await store.claim('key', 'one', 30_000, signal)
    observed.lost = { UpdateItem: 1 }
    expect(await store.write('key', 'one', 'value', 60_000, signal), 'the SDK sends it again').to.equal(true)
    expect(await store.claim('key', 'two', 30_000, signal)).to.equal(true)
    expect(await store.write('key', 'one', 'late', 60_000, signal)).to.equal(false)
    expect((await store.read('key', signal)).stored?.value).to.equal('value')
    expect(await store.claim('key', 'three', 30_000, signal)).to.equal(false)
  })

  it('come from AWS, and are stored, if the stored item is garbage', async () => {
    const { password } = await share().get()
    const [item] = await items()
    const sealed = item?.sealed?.S ?? ''
    const spoil: Record<string, [reason: string, values: Record<string, unknown>]> = {
      'one character': ['unreadable', { ':sealed': { S: sealed.replace(/.$/, last => (last === 'A' ? 'B' : 'A')) } }],
      'longer than its lifetime': ['lifetime', { ':sealedUntil': { N: String(Date.now() + 3_600_000) } }],
      'another type': ['', { ':sealed': { N: '7' } }],
      'no end': ['', { ':sealedUntil': { S: 'never' } }],
      'a claim of another type': ['', { ':sealed': { N: '7' }, ':holder': { N: '7' }, ':heldUntil': { S: 'never' } }],
    }
    for (const [what, [reason, changed]] of Object.entries(spoil)) {
      messages.length = 0
      const values = { ':sealed': { S: sealed }, ':sealedUntil': { N: String(Date.now() + 800_000) }, ...changed }
      await admin.send(
        new UpdateItemCommand({
          TableName: TABLE,
          Key: { id: item?.id ?? { S: '' } },
          UpdateExpression: `SET ${Object.keys(values).map(name => `${name.slice(1)} = ${name}`)}`,
          ExpressionAttributeValues: values as never,
        }),
      )
      expect((await share().get()).password, what).to.not.equal(password)
      expect(
        messages.map(({ event }) => event),
        what,
      )
        .to.include('written')
        .and.not.include('direct')
      expect(messages.find(({ event }) => event === 'ignored')?.reason ?? '', what).to.equal(reason)
    }
  })

  describe('come from AWS, and a message with the reason is published, if', () => {
    const refuse =
      (type: string, status = 400): Meddle =>
      response => {
        const secret = 'FwoGZXIvYXdzEBYaDsession-token'
        response.status = status
        response.body = JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: secret })
        delete response.headers['x-amz-crc32']
      }
    const cases: Record<string, [Meddle, detail: RegExp]> = {
      'the policy allows nothing': [refuse('AccessDeniedException'), /^AccessDeniedException$/],
      'DynamoDB throttles': [refuse('ThrottlingException'), /^(ThrottlingException|)$/],
      'the session has expired': [refuse('ExpiredTokenException'), /^ExpiredTokenException$/],
      'DynamoDB fails': [refuse('InternalServerError', 500), /^(InternalServerError|)$/],
    }
    for (const [name, [meddle, detail]] of Object.entries(cases))
      it(name, async () => {
        observed.meddle = meddle
        await share().get()
        expect(messages.map(({ event, operation }) => `${event} ${operation}`)).to.deep.equal(['direct read'])
        expect(messages[0]?.detail ?? '').to.match(detail)
        expect(inspect(messages, { depth: 9, showHidden: true })).not.to.include('session-token')
      })

    it('there is no table, or no AWS credentials', async () => {
      const store = create({ tableName: 'another' })
      await share(store).get()
      expect(messages.at(-1)?.detail).to.equal('ResourceNotFoundException')
      const credentials = async () => {
        throw Object.assign(new Error('hunter2'), { name: 'CredentialsProviderError' })
      }
      await share(create({ identity: 'exports' }, dynamoDbClient(url, { credentials }))).get()
      expect(messages.at(-1)?.detail).to.equal('CredentialsProviderError')
    })

    it('it hangs: after two seconds, and no claim remains when it resumes', async () => {
      const credentials = share()
      dynalite.pause()
      await credentials.get()
      expect(messages).to.have.lengthOf(1)
      expect(messages[0]).to.include({ event: 'direct', operation: 'read', reason: 'slow' })
      dynalite.resume()
      expect(await items()).to.deep.equal([])
    })

    it('it is down, and it is used again when it is back', async () => {
      await dynalite.kill()
      await proxy.close()
      await share().get()
      expect(messages.at(-1)).to.include({ event: 'direct', operation: 'read' })
      await dynalite.restart()
      proxy = await startEndpoint(observed.respond)
      url = proxy.url
      const fleet = [share(), share()]
      await Promise.all(fleet.map(credentials => credentials.get()))
      expect(emulator.calls).to.have.lengthOf(2)
    })
  })

  it('have claims that a delayed request does not outlive', async () => {
    const store = create()
    const before = Date.now()
    await store.claim('key', 'one', 3_000, signal)
    const [item] = await items()
    expect(Number(item?.heldUntil?.N)).to.be.within(before + 2_000, Date.now() + 4_000)
  })

  it('need a client of DynamoDB, a table, a prefix that an IAM policy can name, and an identity', () => {
    const expectRefused = (names: readonly string[], options: object, one: unknown = client()): void => {
      expectError(
        thrownBy(() => create(options, one as DynamoDBClient)),
        { code: 'ERR_REDSHIFT_OPTION', names },
      )
    }
    expectRefused(['dynamoDbStore', '"Redshift"', 'DynamoDBClient'], {}, new RedshiftClient())
    for (const other of [null, 'table', {}, { getItem: () => {} }])
      expectRefused(['dynamoDbStore', quoted(other), 'DynamoDBClient'], {}, other)
    expectError(
      thrownBy(() => dynamoDbStore(client(), undefined as never)),
      { code: 'ERR_REDSHIFT_OPTION', names: ['dynamoDbStore', 'tableName', 'encryptionKeys', 'identity'] },
    )
    for (const tableName of [undefined, '', 'a b', 'ab', 7])
      expectRefused(['tableName', quoted(tableName), 'ARN'], { tableName })
    for (const prefix of ['', 'team', 'team*:', '?:', '$name:', ':\n', 'team:of:', null])
      expectRefused(['prefix', quoted(prefix), 'IAM'], { prefix })
    expectRefused(['identity', '""', 'ARN'], { identity: '' })
    expectRefused(['encryptionKeys', '`openssl rand -base64 32`'], { encryptionKeys: [] })
    create({ tableName: `arn:aws:dynamodb:us-west-2:123456789012:table/${TABLE}`, prefix: 'team/reports-2_a.b:' })
  })

  it('are in a store that reveals neither its keys nor the AWS credentials', () => {
    const shown = inspect(create(), { depth: 9, showHidden: true, getters: true }) + JSON.stringify(create())
    expect(shown).to.include('reports').and.not.include(KEY.toString('hex').slice(0, 8)).and.not.include('made-up')
  })

  describe('need, of docs/fleet.md,', () => {
    it('only the permissions of its IAM policy', async () => {
      const { code } = codeBlocks(page, 'json').find(block => block.code.includes('dynamodb:LeadingKeys')) ?? {}
      const { Statement } = JSON.parse(code ?? '')
      expect(Statement).to.have.lengthOf(1)
      const [{ Effect, Action, Resource, Condition }] = Statement
      expect(Effect).to.equal('Allow')
      expect(Resource).to.match(new RegExp(`^arn:aws:dynamodb:[\\w-]+:\\d{12}:table/${TABLE}$`))
      const { 'dynamodb:LeadingKeys': patterns } = Condition['ForAllValues:StringLike']
      const allowed = new RegExp(`^(${patterns.map((pattern: string) => pattern.replace('*', '.*')).join('|')})$`)

      await checkStore(create())
      expect(observed.requests.length).to.be.above(50)
      const operations = new Set(observed.requests.map(({ operation }) => `dynamodb:${operation}`))
      expect([...operations]).to.have.members(Action)
      for (const { parameters } of observed.requests) expect(parameters.Key?.id?.S).to.match(allowed)
      for (const foreign of ['pg-redshift-iam2:x', 'staging:x', 'x']) expect(foreign).to.not.match(allowed)
    })

    it('the table of its CloudFormation template', async () => {
      const { code } = codeBlocks(page, 'yaml').find(block => block.code.includes('AWS::DynamoDB::Table')) ?? {}
      const [resource] = Object.values<{ Type: string; Properties: Record<string, unknown> }>(
        parse(code ?? '').Resources,
      )
      const { TimeToLiveSpecification, ...properties } = resource?.Properties ?? {}
      expect(TimeToLiveSpecification).to.deep.equal({ AttributeName: 'expires', Enabled: true })
      expect(properties.TableName).to.equal(TABLE)
      await admin.send(new DeleteTableCommand({ TableName: TABLE }))
      await waitUntilTableNotExists(
        { client: admin, maxWaitTime: 60, minDelay: 0.05, maxDelay: 0.1 },
        { TableName: TABLE },
      )
      await admin.send(new CreateTableCommand(properties as never))
      const fleet = [share(), share()]
      await Promise.all(fleet.map(credentials => credentials.get()))
      expect(emulator.calls).to.have.lengthOf(1)
    })
  })
})
