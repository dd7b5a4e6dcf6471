import type { Refusal } from '../logins.js'
import { errorFields, errorResponse, message } from '../postgres/protocol.js'
import { toPostgres } from './dialect.js'
import { reportedChange } from './greeting.js'
import { MessageFilter } from './message-filter.js'
import type { Filters } from './relay.js'

/**
 * Makes a session with PostgreSQL look like one with Redshift. SQL that Redshift refuses is replaced by a word that PostgreSQL refuses
 * too, and PostgreSQL's error is replaced by Redshift's. So the transaction fails and messages are skipped until Sync, as in a server.
 */
export function dialectFilters(): Filters {
  const refusals: Refusal[] = []
  const translate = (sql: string) => {
    const translated = toPostgres(sql)
    if ('sql' in translated) return translated.sql
    return `redshift_refuses_${refusals.push(translated.refusal) - 1}`
  }
  return {
    toServer: new MessageFilter((type, bytes) => {
      if (type === 'Q') return message('Q', translate(stringAt(bytes, 5)), '\0')
      if (type === 'P') return translatedParse(bytes, translate)
      return bytes
    }),
    toClient: new MessageFilter((type, bytes) => {
      if (type === 'S') return reportedChange(bytes.subarray(5))
      if (type === 'E') return refusalFor(bytes, refusals) ?? bytes
      return bytes
    }),
  }
}

function translatedParse(bytes: Buffer, translate: (sql: string) => string): Buffer {
  const sqlStart = bytes.indexOf(0, 5) + 1
  const sqlEnd = bytes.indexOf(0, sqlStart)
  const sql = translate(bytes.toString('utf8', sqlStart, sqlEnd))
  return message('P', bytes.subarray(5, sqlStart), sql, bytes.subarray(sqlEnd))
}

function refusalFor(bytes: Buffer, refusals: readonly Refusal[]): Buffer | undefined {
  const number = /"redshift_refuses_(\d+)"/.exec(errorFields(bytes.subarray(5)).get('M') ?? '')?.[1]
  const refusal = number === undefined ? undefined : refusals[Number(number)]
  return refusal && errorResponse('ERROR', refusal.sqlstate, refusal.message)
}

function stringAt(bytes: Buffer, start: number): string {
  return bytes.toString('utf8', start, bytes.indexOf(0, start))
}
