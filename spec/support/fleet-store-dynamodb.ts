import { dynamoDbStore } from '../../lib/store/dynamodb.js'
import { dynamoDbClient, TABLE } from './dynalite.js'
import type { OpenStore } from './engines.js'

export const open: OpenStore = async (url, options) =>
  dynamoDbStore(dynamoDbClient(url), { tableName: TABLE, ...options })
