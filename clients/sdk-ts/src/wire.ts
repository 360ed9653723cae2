// The wire: what travels between a daemon and its clients. Made by `just specs`; change the Python wire instead.
//
// A field with a question mark has a default (named after `@default`), and may be missing from what an older daemon
// wrote. Readers take fields that are not here, and skip them.

/** Any JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** An exact number, seconds as a rule: "3" or "45045/30000"; never a decimal. */
export type Exact = string;

/** No fields at all. */
export type Nothing = { [name: string]: never };

/** What went wrong, in a word that stays the same. */
export type Code =
  | "invalid_request"
  | "invalid_key"
  | "dependency_cycle"
  | "unknown_dependency"
  | "unknown_tool"
  | "unknown_template"
  | "routine_cycle"
  | "unknown_profile"
  | "unknown_effect"
  | "media_unreadable"
  | "unauthenticated"
  | "signature_refused"
  | "forbidden"
  | "engine_owned"
  | "origin_refused"
  | "path_outside_roots"
  | "address_refused"
  | "author_is_reviewer"
  | "blocked_policy"
  | "approval_denied"
  | "not_found"
  | "mission_not_found"
  | "memory_not_found"
  | "memory_unreadable"
  | "routine_not_found"
  | "method_not_allowed"
  | "request_timeout"
  | "approval_not_pending"
  | "command_conflict"
  | "routine_exists"
  | "routine_not_active"
  | "version_conflict"
  | "position_ahead"
  | "job_conflict"
  | "canceled"
  | "delivery_replayed"
  | "daemon_running"
  | "compacted"
  | "revision_conflict"
  | "payload_too_large"
  | "unsupported_media_type"
  | "idempotency_mismatch"
  | "answer_not_kept"
  | "event_rejected"
  | "head_too_large"
  | "internal"
  | "work_failed"
  | "unavailable"
  | "insufficient_storage";

/** Give a clip, or a track, an effect, before that number `index`; None: as the last. */
export interface AddEffect {
  type: "add_effect";
  effect: Effect;
  /** @default null */
  clip?: string | null;
  /** @default null */
  track?: number | null;
  /** @default null */
  index?: number | null;
}

/** Add a marker to a clip (clip time), without one to the timeline; markers stand in the order of time. */
export interface AddMarker {
  type: "add_marker";
  marker: Marker;
  /** @default null */
  clip?: string | null;
}

/** Add an empty track before that number `index`; None: as the last, on top. */
export interface AddTrack {
  type: "add_track";
  kind: "audio" | "caption" | "video";
  /** @default "" */
  name?: string;
  /** @default null */
  index?: number | null;
}

/** Put a transition between the clip `after` and the one that follows it at once. */
export interface AddTransition {
  type: "add_transition";
  after: string;
  transition: Transition;
}

/**
 * A command that missions may run, in the setting `commands`. No shell is between: each part of `argv` is one argument.
 *
 * In parts after the first, `$name` is the argument of this name, `$folder` the folder that is the command's own, `$$` a
 * dollar sign. `reads` are files and folders that it may read beside the system's programs and libraries.
 */
export interface AllowedCommand {
  argv: string[];
  /** @default {} */
  args?: { [name: string]: ToolArgument };
  /** @default [] */
  reads?: string[];
  /** @default 600.0 */
  limit_s?: number;
}

/**
 * Input of the tool `analyse`: the kinds wanted of each asset, and parameters by kind; none named: all kinds.
 *
 * `if_possible` names further kinds, which are left out with a notice where what they need is not installed.
 */
export interface AnalyseInput {
  /** @default [] */
  kinds?: string[];
  /** @default [] */
  if_possible?: string[];
  /** @default {} */
  params?: { [name: string]: { [name: string]: Json } };
}

/** `POST /v1/assets/{id}/analyses`: what is left out of `params` has its default. */
export interface AnalysisRequest {
  kind: string;
  /** @default {} */
  params?: { [name: string]: Json };
}

/** How far a log had come: the hash, in hex, of the event at `position`; 0 and zeros for an empty one. */
export interface Anchor {
  position: number;
  hash: string;
}

/**
 * Resource `approval/{approval_id}`.
 *
 * `subject_hash` is the hash of what is approved: whoever sends it along with the decision decides on exactly that.
 * The grant of an item's gate is spent in the commit that passes the gate, so it shows as `spent`. `checks` are the
 * engine's, with decider `auto`. `amend` is what a denial wants changed in the item's input. `effect` is the call of a tool
 * that it is about. `delegation_id`: who decided did so in somebody's place. `by_blanket`: it is one of several that were
 * granted at once.
 */
export interface Approval {
  approval_id: string;
  decider: "agent" | "auto" | "human";
  subject: ApprovalSubject;
  subject_hash: string;
  summary: string;
  artifact_refs: string[];
  state: "denied" | "expired" | "granted" | "pending" | "spent" | "void";
  requested_at_ms: number;
  expires_at_ms: number;
  /** @default null */
  decided_by?: string | null;
  /** @default null */
  decided_at_ms?: number | null;
  /** @default null */
  reason?: string | null;
  /** @default [] */
  checks?: Check[];
  /** @default {} */
  amend?: { [name: string]: Json };
  /** @default null */
  effect?: ApprovalEffect | null;
  /** @default null */
  delegation_id?: string | null;
  /** @default false */
  by_blanket?: boolean;
}

/**
 * The call of a tool that leave is asked for: with these arguments and no others.
 *
 * `targets` are the absolute paths and the addresses that it declares, `touches` the same in words. `rule` is the policy's
 * that wants somebody to be asked; `place` is empty for the run's own call; `1`, `2`, `2.1` are those
 * that its tool makes.
 */
export interface ApprovalEffect {
  tool: string;
  args: { [name: string]: Json };
  targets: string[];
  touches: string[];
  rule: string;
  /** @default "" */
  place?: string;
}

/**
 * What is to be approved. For an item and for a call of a tool (`effect`) `id` is `MISSION/ITEM` and `run_id` is set.
 *
 * `gate` is an item's.
 */
export interface ApprovalSubject {
  kind: "effect" | "memory" | "routine_run" | "work_item";
  id: string;
  /** @default null */
  run_id?: string | null;
  /** @default null */
  gate?: "review" | "test" | null;
}

/** The approvals that were granted, each marked `by_blanket`, and those left. */
export interface ApproveAllAnswer {
  approvals: Approval[];
  left: LeftApproval[];
}

/** `POST /v1/missions/{id}/approve-all`. The reason is kept with each approval. */
export interface ApproveAllRequest {
  reason: string;
}

/** `POST /v1/approvals/{id}/approve`. */
export interface ApproveRequest {
  /** @default "" */
  reason?: string;
  /** @default null */
  subject_hash?: string | null;
}

/**
 * Resource `artifact/{artifact_id}`. All but `meta` is the same on every run.
 *
 * `artifact_id` is the first 32 hex digits of `cache_key`, the SHA-256 of (asset's SHA-256, kind, schema, params,
 * backend, backend_version, model_hash). `data` is None when it lies in the blob `data_blob` because it is large.
 * `asset_id` is empty where it was made of no asset, as a mission's summary is.
 */
export interface Artifact {
  artifact_id: string;
  asset_id: string;
  kind: string;
  schema: number;
  cache_key: string;
  params: { [name: string]: Json };
  backend: string;
  backend_version: string;
  /** @default null */
  model_hash?: string | null;
  /** @default [] */
  notices?: string[];
  /** @default null */
  data?: Json;
  /** @default null */
  data_blob?: string | null;
  /** @default {"created_at_ms": 0, "elapsed_ms": 0} */
  meta?: ArtifactMeta;
}

/** What may differ between two runs that give the same artifact. */
export interface ArtifactMeta {
  created_at_ms: number;
  elapsed_ms: number;
}

/**
 * Resource `asset/{asset_id}`. `asset_id` is the first 32 hex digits of the content's SHA-256.
 *
 * `path` is where footage given by path stays; `blob` is the hash under which an upload is kept.
 */
export interface Asset {
  asset_id: string;
  name: string;
  sha256: string;
  bytes: number;
  container: string;
  duration: Exact;
  /** @default "ready" */
  state?: "ready" | "stale";
  /** @default null */
  path?: string | null;
  /** @default null */
  blob?: string | null;
  /** @default null */
  guard?: FileGuard | null;
  /** @default null */
  video?: VideoStream | null;
  /** @default null */
  audio?: AudioStream | null;
  /** @default [] */
  notices?: string[];
  /** @default 0 */
  created_at_ms?: number;
}

/** Media that is an asset. */
export interface AssetReference {
  type: "asset";
  asset_id: string;
}

/** `POST /v1/assets`: either a regular file beneath one of the media roots, or a finished upload. */
export interface AssetRequest {
  /** @default null */
  path?: string | null;
  /** @default null */
  upload?: string | null;
  /** @default null */
  name?: string | null;
}

/**
 * One run of an item. `status` None: not finished. `author` is who carried it out.
 *
 * `reason` says why it failed, `code` is the error's stable code.
 */
export interface Attempt {
  attempt: number;
  run_id: string;
  requested_at_ms: number;
  /** @default null */
  started_at_ms?: number | null;
  /** @default null */
  finished_at_ms?: number | null;
  /** @default null */
  status?: "canceled" | "failed" | "succeeded" | null;
  /** @default "" */
  author?: string;
  /** @default "" */
  reason?: string;
  /** @default "" */
  code?: string;
  /** @default [] */
  refs?: string[];
  /** @default {} */
  output?: { [name: string]: Json };
  /** @default [] */
  notices?: string[];
  /** @default false */
  reused?: boolean;
  /** @default [] */
  decisions?: Decision[];
}

/** One sound stream. `start` is seconds relative to the first frame shown (0 without picture). */
export interface AudioStream {
  index: number;
  codec: string;
  sample_rate: number;
  channels: number;
  duration: Exact;
  /** @default "0" */
  start?: Exact;
}

/**
 * One entry of the audit: somebody was refused, or did something that administers the engine.
 *
 * `actor` and `token_id` are empty when nobody knows who asked. `action` is the method and the path, without its query;
 * of callers that nobody knows only the path's beginning. `capability` is what was asked for, `code` and `reason` why it
 * was refused. `count` above 1: so many alike since `since_ms`, told as one.
 */
export interface AuditEntry {
  position: number;
  at_ms: number;
  actor: string;
  token_id: string;
  action: string;
  outcome: "done" | "refused";
  code: string;
  reason: string;
  capability: string;
  target: string;
  address: string;
  count: number;
  since_ms: number;
}

/**
 * What a mission that a routine began may do: looked at where it is done, at each call of a tool.
 *
 * `creator` made the routine. Results go beneath `output_targets`, folders and addresses, anywhere when there are none. Without
 * `external_effects_allowed` no tool may leave this machine; with `requires_approval` one that does asks first.
 */
export interface Authority {
  routine_id: string;
  routine_run_id: string;
  creator: string;
  allowed_tools: string[];
  output_targets: string[];
  external_effects_allowed: boolean;
  requires_approval: boolean;
}

/** `backup FILE`: the copy holds the log up to `position`; `sha256` is the file's, in hex. */
export interface BackedUp {
  file: string;
  position: number;
  sha256: string;
}

/** `POST /v1/routines/{id}/backfill`: fire the ticks of `[from_ms, to_ms)` that are over and did not fire. */
export interface BackfillRequest {
  from_ms: number;
  to_ms: number;
}

/**
 * Where music pulses: `beats` are seconds, rising; `tempo_bpm` is theirs, beats a minute, None where nothing pulses.
 *
 * `confidence` is how alike the sound's beginnings are to themselves a beat later, 0..1. A tempo may be found an octave off.
 */
export interface Beats {
  tempo_bpm: number | null;
  confidence: number;
  beats: Exact[];
}

/** `bookmark`: nothing for you happened up to here; the heartbeat. */
export interface Bookmark {
  position: number;
}

/**
 * What a mission may use. None: no limit.
 *
 * `max_steps` counts runs, `max_tool_calls` calls of tools (a call repeated after a crash counts again),
 * `max_duration_ms` the time from start to end without pauses, `max_attempts` the runs of one item,
 * `max_parallel` the runs that are alive at once.
 */
export interface Budgets {
  /** @default null */
  max_steps?: number | null;
  /** @default null */
  max_tool_calls?: number | null;
  /** @default null */
  max_duration_ms?: number | null;
  /** @default 3 */
  max_attempts?: number;
  /** @default 2 */
  max_parallel?: number;
}

/**
 * How a film's camera moves, the data of the analysis `camera`, always in a blob; the effect `stabilise` takes its hash.
 *
 * `moves` has an entry for each frame: by how much the picture's middle has gone right and down since the frame before, in
 * pixels of a picture of `width` x `height`, by how much it has turned (radians, clockwise) and grown (natural logarithm);
 * None for the first frame and for one that shows another scene than the frame before. `rate`: frames a second, on average.
 */
export interface CameraPath {
  width: number;
  height: number;
  rate: number;
  moves: ([number, number, number, number] | null)[];
}

/**
 * An entry of `GET /v1/effects`. `mask`: it can be limited to a region; `region`: it must be.
 *
 * `cost` is for each frame of 1920x1080, of sound for each second.
 */
export interface CatalogueEntry {
  name: string;
  kind: "crossfade" | "effect" | "generator" | "sound" | "transition";
  family: string;
  title: string;
  summary: string;
  cost: "high" | "low" | "middle" | "none";
  /** @default false */
  mask?: boolean;
  /** @default false */
  region?: boolean;
  /** @default [] */
  parameters?: CatalogueParameter[];
}

/**
 * A parameter: `takes` says in words what. Numbers lie in `[low, high]`; None: there is no such end.
 *
 * `animated`: it takes keyframes.
 */
export interface CatalogueParameter {
  name: string;
  summary: string;
  type: string;
  takes: string;
  /** @default "" */
  unit?: string;
  /** @default null */
  low?: number | null;
  /** @default null */
  high?: number | null;
  /** @default null */
  default?: number | string | null;
  /** @default [] */
  choices?: string[];
  /** @default true */
  animated?: boolean;
}

/** The end of another's work: of a run of `routine_id`, or of any mission made from `template`; exactly one. */
export interface Chain {
  /** @default null */
  routine_id?: string | null;
  /** @default null */
  template?: string | null;
  /** @default ["succeeded"] */
  on?: ("canceled" | "failed" | "succeeded")[];
}

/** One thing that was checked: the value found, the limit and where the limit comes from. */
export interface Check {
  name: string;
  status: "fail" | "not_applicable" | "pass";
  value: string;
  /** @default "" */
  limit?: string;
  /** @default "" */
  source?: string;
  /** @default [] */
  at?: string[];
  /** @default "" */
  fix?: string;
}

/** Input of the tool `check`: nothing; it looks at the render that the items before have made. */
export type CheckInput = { [name: string]: never };

/**
 * What a checkpoint stands for: all events up to `position`, where the chain had come to `hash`.
 *
 * `checkpoint` is the SHA-256 over its lines, in hex; `shapes` are those of the states in it, by kind of stream. So many
 * lines of `streams` and then of `resources` follow.
 */
export interface CheckpointHead {
  position: number;
  hash: string;
  checkpoint: string;
  shapes: { [name: string]: string };
  streams: number;
  resources: number;
}

/** The first line of an export of a log that was compacted. */
export interface CheckpointLine {
  checkpoint: CheckpointHead;
}

/**
 * A stretch of a medium on a track.
 *
 * As in OpenTimelineIO, `source_range.duration` is how long the clip lasts on its track and `source_range.start` the
 * earliest moment of the medium that is shown, counted from the medium's first frame shown. At clip time t the medium is
 * at `start + S(t) - min(S)`, S being the integral of the speed from 0 to t: 1 plays as recorded, 0 holds a frame, a
 * negative speed plays backwards. `ramp`, where there is one, are keyframes of the speed and stand for `speed`.
 *
 * `alignment_offset`, `scoring`, `reasons` are notes of what made the clip; they change nothing that is shown.
 */
export interface Clip {
  type: "clip";
  id: string;
  media: AssetReference | Generator | TimelineReference | Nested;
  source_range: TimeRange;
  /** @default "" */
  name?: string;
  /** @default "1" */
  speed?: Exact;
  /** @default [] */
  ramp?: Keyframe[];
  /** @default [] */
  effects?: Effect[];
  /** @default [] */
  markers?: Marker[];
  /** @default null */
  link_group?: string | null;
  /** @default true */
  enabled?: boolean;
  /** @default null */
  alignment_offset?: Exact | null;
  /** @default null */
  scoring?: { [name: string]: number } | null;
  /** @default [] */
  reasons?: string[];
}

/** Input of the tool `collect`: files, and folders whose footage is wanted, beneath the media roots. */
export interface CollectInput {
  sources: string[];
}

/** Input of the tool `command`: the name of a command that the setting `commands` allows, and its arguments. */
export interface CommandInput {
  command: string;
  /** @default {} */
  args?: { [name: string]: Json };
}

/**
 * `log compact`: what is to go. Events before the position `before`, or from before the time `before_at_ms`.
 *
 * One of the two is given.
 */
export interface CompactRequest {
  /** @default null */
  before?: number | null;
  /** @default null */
  before_at_ms?: number | null;
}

/**
 * What a compaction came to: the log begins after `position`, with a checkpoint of so many streams and resources.
 *
 * `events` is how many it took away; 0: there was nothing to do, and nothing was done. `position` may lie before what was
 * asked for: a request is never cut in two, and nothing goes that a reaction has not seen, then `held_by` is `reactions`.
 * `bytes_before` and `bytes_after` are the database file's.
 */
export interface CompactedLog {
  position: number;
  hash: string;
  checkpoint: string;
  events: number;
  streams: number;
  resources: number;
  bytes_before: number;
  bytes_after: number;
  /** @default null */
  held_by?: string | null;
}

/**
 * A stretch of a source that is kept, seconds `[start, end)` from its first frame shown.
 *
 * `end - start` is a whole number of the timeline's frames. `[start_frame, end_frame)` are the source's own frames that
 * are seen. `score` is 0..1: the mean of `signals` (0..1 each), weighted with `weights`, which add up to 1.
 */
export interface Cut {
  asset_id: string;
  asset: string;
  start: Exact;
  end: Exact;
  start_frame: number;
  end_frame: number;
  score: number;
  reasons: string[];
  /** @default {} */
  signals?: { [name: string]: number };
  /** @default {} */
  weights?: { [name: string]: number };
}

/**
 * What a cut keeps of its source, and in how many stretches it comes.
 *
 * `copy`: packets as they lay; `edge`: encoded beside copies; `render`: encoded where nothing could be copied.
 */
export interface CutKept {
  asset_id: string;
  spans: KeptFrames[];
  copy: number;
  edge: number;
  render: number;
  copied_frames: number;
}

/**
 * The data of the artifact of kind `cut_plan`.
 *
 * Cuts, and what was removed, stand in the order of the sources and of time. `chosen_by`: whose choice the cuts are.
 * `plan_hash` is the digest of everything else: same inputs, same hash. `post` are the settings (`PostSettings`) that were put
 * onto the timeline; empty: none.
 */
export interface CutPlan {
  goal: Goal;
  profile: string;
  timeline: Timeline;
  cuts: Cut[];
  removed: Removed[];
  duration: Exact;
  /** @default [] */
  sources?: PlanSource[];
  /** @default [] */
  notices?: string[];
  /** @default "planner" */
  chosen_by?: "planner" | "reviewer";
  /** @default "" */
  plan_hash?: string;
  /** @default {} */
  post?: { [name: string]: Json };
}

/** What was decided at a gate and by whom. `by_blanket`: it was one of several that were granted at once. */
export interface Decision {
  gate: "review" | "test";
  decider: "agent" | "auto" | "human" | "none";
  granted: boolean;
  reviewer: string;
  approval_id: string;
  at_ms: number;
  /** @default [] */
  reasons?: string[];
  /** @default false */
  by_blanket?: boolean;
}

/** Resource `delegation/{delegation_id}`: who decides in whose place. `used` counts decisions. */
export interface Delegation {
  delegation_id: string;
  by: string;
  to: string;
  until_ms: number;
  missions: string[];
  gates: ("effect" | "review" | "test")[];
  reason: string;
  created_at_ms: number;
  /** @default null */
  revoked_at_ms?: number | null;
  /** @default null */
  revoked_by?: string | null;
  /** @default 0 */
  used?: number;
  /** @default null */
  last_used_at_ms?: number | null;
}

/**
 * `POST /v1/delegations`: the actor `to` may decide in the caller's place, before `until_ms`, a year from now at most.
 *
 * `missions` empty: of any. `gates` are those of items, and `effect` for calls of tools. `to` shows a token with
 * `approvals:delegated`, a human one for what people decide; nobody decides about work of theirs, nor about the caller's.
 */
export interface DelegationRequest {
  to: string;
  until_ms: number;
  /** @default [] */
  missions?: string[];
  /** @default ["review", "test"] */
  gates?: ("effect" | "review" | "test")[];
  /** @default "" */
  reason?: string;
}

/**
 * Input of the tool `deliver_folder`: an absolute path to write, or a folder to put the file in.
 *
 * In a folder the file is named after the footage and the profile, with `prefix` before that.
 */
export interface DeliverInput {
  output: string;
  /** @default true */
  overwrite?: boolean;
  /** @default "" */
  prefix?: string;
}

/** Answer to a delivery that is on record: its id, and its place in the log. */
export interface DeliveryAnswer {
  delivery_id: string;
  position: number;
}

/** `POST /v1/memory/{id}/demote`. */
export interface DemoteRequest {
  to_tier: "project" | "session" | "team";
  /** @default "" */
  reason?: string;
}

/** `POST /v1/approvals/{id}/deny`. `amend` is merged into the item's input for the next attempt. */
export interface DenyRequest {
  /** @default "" */
  reason?: string;
  /** @default null */
  subject_hash?: string | null;
  /** @default {} */
  amend?: { [name: string]: Json };
}

/** An artifact that the plan stands on, or lacks (`found` false: the rest is then empty); `use` is what it is for. */
export interface Dependency {
  kind: string;
  asset_id: string;
  found: boolean;
  /** @default "" */
  backend?: string;
  /** @default "" */
  backend_version?: string;
  /** @default "" */
  cache_key?: string;
  /** @default "" */
  use?: string;
}

/**
 * The first place where the log folded from zero and what is published come apart.
 *
 * `live` is what is there, `rebuilt` what the log comes to, each `{rev, position, value, ...}`, None for nothing.
 */
export interface Difference {
  partition: string;
  key: string;
  position: number;
  detail: string;
  /** @default null */
  live?: Json | null;
  /** @default null */
  rebuilt?: Json | null;
}

/**
 * A named effect; each parameter is a constant or keyframes in clip time, sorted by `at`.
 *
 * On a track the times count from the track's beginning.
 */
export interface Effect {
  name: string;
  /** @default {} */
  parameters?: { [name: string]: number | string | Keyframe[] };
  /** @default true */
  enabled?: boolean;
  /** @default null */
  mask?: Mask | null;
}

/** `endpoint.json` in the state directory, there while a daemon runs. `url` has no slash at its end. */
export interface Endpoint {
  url: string;
  pid: number;
  started_at_ms: number;
  version: string;
}

/** `POST /v1/enter`. */
export interface EnterRequest {
  ticket: string;
}

/** Answer to `POST /v1/enter`: who the window now stands for. What lets it in is in its cookie. */
export interface Entered {
  actor: string;
  human: boolean;
  tenant: string;
  env: string;
  capabilities: string[];
  expires_at_ms: number;
}

/** What a run is: a mission from the template `mission`, or one call of `tool`; exactly one. */
export interface Entrypoint {
  /** @default null */
  mission?: string | null;
  /** @default null */
  tool?: string | null;
}

/** `GET /v1/log`, oldest first. `next` is the position to go on after, None on the last page. */
export interface EventPage {
  items: EventRecord[];
  next: string | null;
  position: number;
}

/** One event of the log. `data` is the JSON of the event itself, its `type` included. */
export interface EventRecord {
  position: number;
  stream: string;
  version: number;
  type: string;
  at_ms: number;
  actor: string;
  /** @default "" */
  partition?: string;
  /** @default "" */
  correlation_id?: string;
  /** @default "" */
  causation_id?: string;
  /** @default {} */
  data?: Json;
}

/**
 * One face, seen from `start` to before `end`, seconds from the first frame shown.
 *
 * The tuples go with `at`, the times of the samples that show it, rising: its middle and its size in 0..1 of the picture
 * as shown. `confidence` is that of the surest sample, 0..1.
 */
export interface FaceTrack {
  start: Exact;
  end: Exact;
  at: Exact[];
  x: number[];
  y: number[];
  width: number[];
  height: number[];
  confidence: number;
}

/** The faces of a film, looked for every `hop` seconds from 0, in the order of their first sample. */
export interface Faces {
  hop: Exact;
  tracks: FaceTrack[];
}

/**
 * Why a mission failed: the budget that ran out, the item it ran out on, and the last reason given.
 *
 * `budget` None: none ran out; the item's run failed over what it was asked for, and trying again would not help.
 */
export interface Failure {
  budget: "max_attempts" | "max_duration_ms" | "max_parallel" | "max_steps" | "max_tool_calls" | null;
  detail: string;
  /** @default null */
  work_item_id?: string | null;
}

/**
 * One thing the daemon can do, or could.
 *
 * `detail` says what was found; `unlocks` what works once it is there; `how` what to do to get it, empty when `ok`.
 */
export interface Feature {
  name: string;
  ok: boolean;
  /** @default "" */
  detail?: string;
  /** @default "" */
  unlocks?: string;
  /** @default "" */
  how?: string;
}

/** What tells that a file which stays where it is has not been changed since it was read. */
export interface FileGuard {
  size: number;
  mtime_ns: number;
  inode: number;
}

/** Something that is wrong with a log; `position` 0: with no event in particular. */
export interface Finding {
  position: number;
  detail: string;
}

/** `POST /v1/timelines/{id}/fork`: a new timeline that begins as this one was at `version`; None: as it is. */
export interface ForkRequest {
  /** @default null */
  version?: number | null;
  /** @default null */
  name?: string | null;
}

/** A frame and when it begins, seconds from the first frame shown. */
export interface FrameTime {
  frame: number;
  start: Exact;
}

/** Frames of an asset by time or number, in the order asked for. `frame_count` and `duration` are where they end. */
export interface FrameTimes {
  items: FrameTime[];
  frame_count: number;
  duration: Exact;
}

/** Nothing, for `duration` seconds: what lies below is seen, black where nothing does; silent. */
export interface Gap {
  type: "gap";
  duration: Exact;
}

/** Where a gate stands. `waiting` without `approval_id`: nobody was asked yet. `none`: there is no gate. */
export interface Gate {
  decider: "agent" | "auto" | "human" | "none";
  state: "denied" | "granted" | "none" | "waiting";
  /** @default null */
  approval_id?: string | null;
}

/** The two gates of an item: is it what was wanted, and does it hold. */
export interface Gates {
  review: Gate;
  test: Gate;
}

/** Who decides an item's gates. None: review human; test auto where the tool has checks, else human. */
export interface GatesRequest {
  /** @default null */
  review?: "agent" | "auto" | "human" | "none" | null;
  /** @default null */
  test?: "agent" | "auto" | "human" | "none" | null;
}

/**
 * Media that is made on the spot: `kind` is a name of the catalogue (`solid`, `title`, `caption`, ...).
 *
 * `words`: of a text, where it is known when they are said.
 */
export interface Generator {
  type: "generator";
  kind: string;
  /** @default {} */
  parameters?: { [name: string]: number | string | Keyframe[] };
  /** @default [] */
  words?: Word[];
}

/**
 * What was understood of the words of a goal.
 *
 * `target` is the length wanted, seconds; None: none is wanted, all good material is kept. `at_most`: the result may
 * not be longer than `target`.
 */
export interface Goal {
  text: string;
  /** @default null */
  target?: Exact | null;
  /** @default "tighten" */
  kind?: "highlight" | "tighten";
  /** @default false */
  at_most?: boolean;
  /** @default [] */
  notices?: string[];
}

/** `GET /health`: alive. `versions` are those of what the daemon stands on, by name. */
export interface Health {
  status: "ok";
  version: string;
  pid: number;
  /** @default {} */
  versions?: { [name: string]: string };
}

/**
 * Input of the tool `http_request`.
 *
 * A header's value, and any value in `body` at any depth, may be `{"secret": NAME}`; `body` goes as JSON, `text` as it is:
 * one of the two. `keyed` sends the run's id as `Idempotency-Key`, and lets a PUT be sent again after a crash. Redirects
 * are not followed. `statuses` are those that count as success; none named: 200 to 299. Of the answer `max_bytes` are read.
 */
export interface HttpRequestInput {
  url: string;
  /** @default "GET" */
  method?: "DELETE" | "GET" | "HEAD" | "PATCH" | "POST" | "PUT";
  /** @default {} */
  headers?: { [name: string]: string | SecretRef };
  /** @default null */
  body?: Json;
  /** @default null */
  text?: string | null;
  /** @default false */
  keyed?: boolean;
  /** @default [] */
  statuses?: number[];
  /** @default 30.0 */
  limit_s?: number;
  /** @default 65536 */
  max_bytes?: number;
}

/**
 * Output of `http_request`. `text` is the answer's beginning, `bytes` and `sha256` are those of what was read.
 *
 * `truncated`: the answer goes on beyond what was read, or is longer than `text`. Secrets are their names in it.
 */
export interface HttpRequestOutput {
  status: number;
  headers: { [name: string]: string };
  text: string;
  bytes: number;
  sha256: string;
  truncated: boolean;
}

/** Input of the tool `ingest`: assets that were registered, in the order in which they are to be used. */
export interface IngestInput {
  asset_ids: string[];
}

/** Put an item onto a track, at `at` seconds of it; None: at its end. Beyond the end, a gap leads up to it. */
export interface Insert {
  type: "insert";
  track: number;
  item: Clip | Gap;
  /** @default null */
  at?: Exact | null;
  /** @default "insert" */
  placing?: "insert" | "overwrite";
}

/** Answer to `POST /v1/tokens`, and the only time that `token`, the secret, is shown. */
export interface IssuedToken {
  token_id: string;
  token: string;
  actor: string;
  human: boolean;
  tenant: string;
  env: string;
  capabilities: string[];
  expires_at_ms: number | null;
}

/** How one item came to be done: what it made and by whose leave. */
export interface ItemSummary {
  work_item_id: string;
  title: string;
  kind: string;
  attempts: number;
  author: string;
  refs: string[];
  reused: boolean;
  decisions: Decision[];
}

/** A stretch of an asset that a reviewer wants kept, seconds `[start, end)` from its first frame shown. */
export interface KeepSpan {
  asset_id: string;
  start: Exact;
  end: Exact;
}

/** Frames `[start_frame, end_frame)` of the source that is cut. */
export interface KeptFrames {
  start_frame: number;
  end_frame: number;
}

/** A parameter's value at a time of its clip (0 is the clip's first frame) and the way to the next one. */
export interface Keyframe {
  at: Exact;
  value: number;
  /** @default "linear" */
  ease?: "hold" | "linear" | [number, number, number, number];
}

/** A review that was not granted along with the others, and why. */
export interface LeftApproval {
  approval_id: string;
  work_item_id: string;
  code: string;
  detail: string;
}

/** Have clips move, trim, split and go together: as `group`, or as a group with a name of its own. */
export interface Link {
  type: "link";
  clips: string[];
  /** @default null */
  group?: string | null;
}

/**
 * An event as `log export` writes it, one a line, with its `hash` in hex.
 *
 * `values` are the records that a `resources.changed` wrote, in the order of its operations, null for one deleted.
 * `published`: at this event resources were written, for it and for those before it since the last such event.
 */
export interface LogLine {
  position: number;
  partition: string;
  stream: string;
  version: number;
  type: string;
  at_ms: number;
  actor: string;
  correlation_id: string;
  causation_id: string;
  data: Json;
  hash: string;
  /** @default [] */
  values?: Json[];
  /** @default false */
  published?: boolean;
}

/**
 * `log verify`: the chain, positions and versions without gaps, the anchor, and the file itself.
 *
 * `position` and `hash` are the head's. `oldest` is the position of the checkpoint that the log begins with, proved as
 * well; 0: it begins with its first event. `anchor` None: there was none to compare with. `findings` are in log order and
 * name the first ones only; a sound log has none.
 */
export interface LogProof {
  sound: boolean;
  events: number;
  position: number;
  hash: string;
  anchor: Anchor | null;
  findings: Finding[];
  /** @default 0 */
  oldest?: number;
}

/**
 * Something that a format has no place for, or that was not understood.
 *
 * `where` is the place in the timeline (`tracks[0].items[2]`) or in the file (`line 12`); empty: all of it. `what` is what
 * is lost or changed, `why` the reason and what stands in its place.
 */
export interface Loss {
  where: string;
  what: string;
  why: string;
}

/**
 * EBU R128 of the whole sound, heard as stereo, and its momentary loudness every `hop` seconds from 0.
 *
 * Momentary value n is of the 400 ms around n * `hop`; -70 is silence. `integrated_lufs` and `true_peak_dbtp` are None for digital silence, where they are minus infinity.
 */
export interface Loudness {
  integrated_lufs: number | null;
  range_lu: number;
  true_peak_dbtp: number | null;
  hop: Exact;
  momentary_lufs: number[];
}

/** A named place in a clip (clip time) or timeline. */
export interface Marker {
  name: string;
  at: Exact;
  /** @default "" */
  comment?: string;
  /** @default "0" */
  duration?: Exact;
  /** @default "" */
  colour?: string;
}

/**
 * Where an effect acts: inside the shape, or outside it.
 *
 * `x`, `y` are the middle, `width`, `height` the whole extent, in 0..1 of the picture; `feather` is how wide its edge
 * fades, 0..1 of the picture's height. `faces`: the faces that an analysis of the clip's asset has found, each an ellipse
 * of its own; the numbers then are left alone but for `feather`.
 */
export interface Mask {
  shape: "ellipse" | "faces" | "rectangle";
  /** @default 0.5 */
  x?: number | Keyframe[];
  /** @default 0.5 */
  y?: number | Keyframe[];
  /** @default 0.5 */
  width?: number | Keyframe[];
  /** @default 0.5 */
  height?: number | Keyframe[];
  /** @default 0.0 */
  feather?: number | Keyframe[];
  /** @default false */
  inverted?: boolean;
}

/**
 * Resource `memory/{memory_id}`: everything but what it says.
 *
 * `content_hash` is the SHA-256 of the ciphertext, which lies in the blob of that name; it tells nothing of the text, and
 * is another one after each move.
 */
export interface Memory {
  memory_id: string;
  tier: "curated" | "project" | "session" | "team";
  kind: "fact" | "note" | "solution_capsule";
  workspace: string;
  project: string;
  classification: "internal" | "restricted";
  content_hash: string;
  created_at_ms: number;
  created_by: string;
  changed_at_ms: number;
  /** @default null */
  outcome?: "denied" | "failed" | "partial" | "succeeded" | "superseded" | null;
  /** @default [] */
  redactions?: Redaction[];
  /** @default null */
  approval_id?: string | null;
}

/** One attempt, allowed or not; never what a memory says. `reason` is a stable word. */
export interface MemoryAuditEntry {
  position: number;
  at_ms: number;
  actor: string;
  action: string;
  status: string;
  /** @default "" */
  reason?: string;
  /** @default null */
  memory_id?: string | null;
  /** @default null */
  tier?: string | null;
  /** @default null */
  to_tier?: string | null;
  /** @default "" */
  tenant?: string;
  /** @default "" */
  env?: string;
  /** @default null */
  workspace?: string | null;
  /** @default null */
  project?: string | null;
  /** @default null */
  approval_id?: string | null;
  /** @default [] */
  redactions?: Redaction[];
  /** @default 0 */
  items?: number;
}

/**
 * Answer: a token to be sent as the bearer, signed by the engine.
 *
 * It opens nothing but memory, and ends with the token that it was asked for with.
 */
export interface MemoryCapability {
  token: string;
  actor: string;
  read_tiers: ("curated" | "project" | "session" | "team")[];
  write_tiers: ("curated" | "project" | "session" | "team")[];
  promote_targets: ("curated" | "project" | "team")[];
  require_review: boolean;
  expires_at_ms: number;
  /** @default null */
  workspace?: string | null;
  /** @default null */
  project?: string | null;
  /** @default null */
  run_id?: string | null;
}

/**
 * `POST /v1/memory/capabilities`: rights narrower than one's own, for a run or a helper.
 *
 * `run_id`: good only while that run is alive, and no wider than what its mission was given. `workspace` and `project`:
 * good there alone. Only a person can leave `require_review` out. At most a day.
 */
export interface MemoryCapabilityRequest {
  /** @default [] */
  read_tiers?: ("curated" | "project" | "session" | "team")[];
  /** @default [] */
  write_tiers?: ("curated" | "project" | "session" | "team")[];
  /** @default [] */
  promote_targets?: ("curated" | "project" | "team")[];
  /** @default true */
  require_review?: boolean;
  /** @default null */
  expires_at_ms?: number | null;
  /** @default null */
  workspace?: string | null;
  /** @default null */
  project?: string | null;
  /** @default null */
  run_id?: string | null;
}

/**
 * Answer to `DELETE /v1/memory/{id}`.
 *
 * `erased`: its key is gone and the search has forgotten it. False only when that could not be done within seconds; it is
 * tried until it is done, and the audit says when.
 */
export interface MemoryDeleted {
  memory_id: string;
  erased: boolean;
}

/** What a memory says: the part that is encrypted, and erased. */
export interface MemoryDocument {
  text: string;
  /** @default [] */
  tags?: string[];
  /** @default null */
  capsule?: SolutionCapsule | null;
  /** @default null */
  source?: string | null;
  /** @default [] */
  notes?: MemoryNote[];
}

/** Answer to `GET /v1/memory/{id}`: a memory and what it says. */
export interface MemoryEntry {
  memory: Memory;
  document: MemoryDocument;
}

/** One thing found; `score` is above 0 and at most 1, comparable within one answer only. */
export interface MemoryHit {
  memory_id: string;
  text: string;
  tier: "curated" | "project" | "session" | "team";
  kind: "fact" | "note" | "solution_capsule";
  score: number;
  workspace: string;
  project: string;
  /** @default [] */
  tags?: string[];
}

/** Answer to a search, the best first. `blocked_scopes` are the tiers asked for that the caller may not read. */
export interface MemoryHits {
  items: MemoryHit[];
  /** @default [] */
  blocked_scopes?: ("curated" | "project" | "session" | "team")[];
}

/** A line of `GET /v1/memory/export/keys`: what opens the ciphertext of this hash, 32 bytes in base64. */
export interface MemoryKey {
  memory_id: string;
  content_hash: string;
  key: string;
}

/**
 * Answer to promote and demote: the tier it is in now. `blocked`: it stays where it was, and `reason` says why.
 *
 * `approval_id` is the review that was asked for (`review_required`): once a person has granted it, promote again with it.
 */
export interface MemoryMoved {
  memory_id: string;
  tier: "curated" | "project" | "session" | "team";
  status: "blocked" | "passed" | "redacted";
  /** @default [] */
  redactions?: Redaction[];
  /** @default "" */
  reason?: string;
  /** @default null */
  approval_id?: string | null;
}

/** Why somebody moved a memory; erased together with it. */
export interface MemoryNote {
  action: "demoted" | "promoted";
  to_tier: "curated" | "project" | "session" | "team";
  by: string;
  at_ms: number;
  reason: string;
}

/**
 * `POST /v1/memory`. A `solution_capsule` has its `capsule`, and `text` may be empty; the other kinds have none.
 *
 * `source` is the key of the resource that it was learnt from, such as `mission/...` or `run/...`. `restricted` stays in
 * its project: it goes to no tier above, and is found by those alone who name its workspace and project.
 */
export interface MemoryRequest {
  /** @default "" */
  text?: string;
  /** @default "note" */
  kind?: "fact" | "note" | "solution_capsule";
  /** @default "session" */
  tier?: "curated" | "project" | "session" | "team";
  /** @default "default" */
  workspace?: string;
  /** @default "default" */
  project?: string;
  /** @default "internal" */
  classification?: "internal" | "restricted";
  /** @default [] */
  tags?: string[];
  /** @default null */
  capsule?: SolutionCapsule | null;
  /** @default null */
  source?: string | null;
}

/** Answer to a put. `memory_id` None: it was `blocked`, and nothing is stored; `reason` says why. */
export interface MemoryStored {
  memory_id: string | null;
  tier: "curated" | "project" | "session" | "team";
  status: "blocked" | "redacted" | "stored";
  /** @default [] */
  redactions?: Redaction[];
  /** @default "" */
  reason?: string;
}

/**
 * A part of a message. `tool_invocation` and `tool_result` count; parts of other types (text) change nothing.
 *
 * `call_id` tells calls of the same tool apart that run at once.
 */
export interface MessagePart {
  type: string;
  /** @default "" */
  tool?: string;
  /** @default "" */
  call_id?: string;
  /** @default null */
  result?: Json;
}

/**
 * What becomes of ticks that nobody fired within `grace_ms` of their time: the machine slept, the daemon was off.
 *
 * `skip` drops them, `run_once` fires the newest, `catch_up` the newest `max_runs`, in order. Within `grace_ms` (at most
 * an hour) a tick is on time and fires under every policy.
 */
export interface Misfire {
  /** @default "skip" */
  policy?: "catch_up" | "run_once" | "skip";
  /** @default null */
  max_runs?: number | null;
  /** @default 60000 */
  grace_ms?: number;
}

/**
 * Resource `mission/{mission_id}`. `summary_artifact` is the key under which the summary is kept once it succeeded.
 *
 * `work_items` is empty in the resource of a mission of more than 64 items (`counts` tells how many there are): each is
 * a resource of its own, `mission/{mission_id}/item/{work_item_id}`. Answers to requests about one mission hold them all.
 */
export interface Mission {
  mission_id: string;
  version: number;
  status: "canceled" | "draft" | "failed" | "paused" | "running" | "succeeded";
  title: string;
  goal: string;
  success_criteria: string[];
  work_items: WorkItem[];
  budgets: Budgets;
  used: Used;
  capabilities: string[];
  metadata: { [name: string]: Json };
  template: string | null;
  self_review: boolean;
  created_by: string;
  created_at_ms: number;
  /** @default null */
  started_at_ms?: number | null;
  /** @default null */
  finished_at_ms?: number | null;
  /** @default "" */
  reason?: string;
  /** @default null */
  failure?: Failure | null;
  /** @default null */
  summary?: MissionSummary | null;
  /** @default null */
  authority?: Authority | null;
  /** @default {"todo": 0, "blocked": 0, "in_progress": 0, "review": 0, "test": 0, "rework": 0, "done": 0, "failed": 0, "canceled": 0} */
  counts?: WorkItemCounts;
  /** @default null */
  summary_artifact?: string | null;
  /** @default "normal" */
  priority?: "high" | "low" | "normal";
}

/** The mission afterwards, and what the engine was asked to carry out because of the event. */
export interface MissionEventAnswer {
  mission: Mission;
  commands: { [name: string]: Json }[];
}

/** `POST /v1/missions/{id}/events`. `expected_version`: refuse when the mission has moved on. */
export interface MissionEventRequest {
  event: PostStarted | PostPaused | PostResumed | PostCanceled | PostRunStarted | PostToolObserved | PostRunFinished | PostGranted | PostDenied | PostResourceChanged;
  /** @default null */
  expected_version?: number | null;
}

/**
 * `POST /v1/missions/preview`: what a mission would do, before it is made. Items are in the order they could start.
 *
 * `questions` are the gates that wait for somebody. `estimate_s` is how long it would take with as many runs at once as
 * the budget allows, waiting for people left out; None when some item's time is not known.
 */
export interface MissionPreview {
  title: string;
  goal: string;
  items: PreviewItem[];
  budgets: Budgets;
  capabilities: string[];
  questions: number;
  estimate_s: number | null;
  /** @default "normal" */
  priority?: "high" | "low" | "normal";
}

/**
 * `POST /v1/missions`: either a `template` with its `args`, or a `title`, a `goal` and `work_items`.
 *
 * `capabilities` None: what the items' tools need, and no more. `metadata` is the caller's own and stays as it is.
 * With `start` the mission begins in the same commit, else it is a draft until `mission.started` is posted. Where runs
 * wait for each other, those of a mission of high `priority` go before the others', and nobody's wait for ever.
 */
export interface MissionRequest {
  /** @default null */
  template?: string | null;
  /** @default {} */
  args?: { [name: string]: Json };
  /** @default null */
  title?: string | null;
  /** @default null */
  goal?: string | null;
  /** @default [] */
  success_criteria?: string[];
  /** @default [] */
  work_items?: WorkItemRequest[];
  /** @default null */
  budgets?: Budgets | null;
  /** @default null */
  capabilities?: string[] | null;
  /** @default {} */
  metadata?: { [name: string]: Json };
  /** @default false */
  self_review?: boolean;
  /** @default false */
  start?: boolean;
  /** @default "normal" */
  priority?: "high" | "low" | "normal";
}

/** What was done, when, by whose leave, and the files with their hashes. */
export interface MissionSummary {
  title: string;
  goal: string;
  started_at_ms: number;
  finished_at_ms: number;
  items: ItemSummary[];
  files: SummaryFile[];
  self_review: boolean;
  /** @default [] */
  success_criteria?: string[];
}

/** A ready-made mission: `POST /v1/missions {template, args}` makes one of it. */
export interface MissionTemplate {
  template: string;
  title: string;
  args: { [name: string]: TemplateArgument };
}

/**
 * How much moves and where, every `hop` seconds from 0.
 *
 * `amount` is 0..1 after the camera's own movement is taken out, 1 when a tenth of the picture moves. `center_x`,
 * `center_y` are the centre of what moves, in 0..1 of the picture as shown, smoothed within each shot; where nothing
 * moves it stays where it was, and is 0.5 in a shot in which nothing ever does.
 */
export interface Motion {
  hop: Exact;
  amount: number[];
  center_x: number[];
  center_y: number[];
}

/**
 * Move a clip so that it begins at `at` seconds, on its track or on another of the kind; its place becomes a gap.
 *
 * With `insert` its place closes, and `at` counts after that.
 */
export interface Move {
  type: "move";
  clip: string;
  at: Exact;
  /** @default null */
  track?: number | null;
  /** @default "overwrite" */
  placing?: "insert" | "overwrite";
  /** @default false */
  unlinked?: boolean;
}

/** Media that is a timeline given whole. */
export interface Nested {
  type: "nested";
  timeline: Timeline;
}

/**
 * Resource `notice/{notice_id}`, there until somebody dismisses it.
 *
 * `type` is one of `mission.failed`, `mission.paused` (somebody canceled a run of it) and `mission.budget_low` (less than a
 * fifth of a budget is left); more may come. `properties` name the mission, and what there is to say: `detail`,
 * `work_item_id`, `budget`, `used`, `allowed`.
 */
export interface Notice {
  notice_id: string;
  type: string;
  properties: { [name: string]: Json };
  told_at_ms: number;
}

/**
 * One write, or a `check` of a rev. `if_match_rev` 0 means absent, None anything, which a `check` cannot ask.
 *
 * `patch` is a merge patch.
 *
 * `ttl_ms` is for a `put`: so long until the record is deleted; None: it lives on, whatever was asked for before. A
 * patch leaves the time as it is.
 */
export interface Operation {
  op: "check" | "delete" | "patch" | "put";
  key: string;
  value?: Json;
  /** @default null */
  if_match_rev?: number | null;
  /** @default null */
  ttl_ms?: number | null;
}

/** What one operation came to: the rev that it wrote, or, of a `check`, the rev that it saw (0: absent). */
export interface OperationResult {
  op: "check" | "delete" | "patch" | "put";
  key: string;
  rev: number;
}

/**
 * `POST /v1/timelines/{id}/operations`: all of them or none, as one version and one thing to undo.
 *
 * `expected_version` is the version that they were thought up for; at another one 409 `version_conflict` names what won.
 */
export interface OperationsRequest {
  operations: (Insert | Remove | RippleDelete | Move | Trim | Split | SetSpeed | SetRamp | AddEffect | RemoveEffect | SetParameter | SetMask | AddTransition | RemoveTransition | SetTransition | AddTrack | RemoveTrack | SetTrack | AddMarker | RemoveMarker | Link | Unlink | SetClip | SetCaptions | SetSettings)[];
  expected_version: number;
}

/**
 * The resource `outbox/{command_id}`, from when a command is enqueued until it is completed or canceled.
 *
 * `pending` waits for its turn, or until `not_before_ms`; `attempted` is being carried out; `dead` failed in a way that
 * trying again does not mend, or too often; of `unknown` nobody can say whether it happened. The last two wait for a
 * person. `type` and `data` say what is to be done, `stream` what asked for it. `attempts` counts the calls that were
 * begun, `attempts_before` those of them before it was last redelivered. `error` is why the newest failed. `stopping`:
 * somebody has canceled it while it was attempted.
 */
export interface OutboxCommand {
  command_id: string;
  /** @default "" */
  type?: string;
  /** @default "" */
  stream?: string;
  /** @default "" */
  actor?: string;
  /** @default "" */
  correlation_id?: string;
  /** @default null */
  data?: Json;
  /** @default "new" */
  state?: "attempted" | "canceled" | "completed" | "dead" | "new" | "pending" | "unknown";
  /** @default 0 */
  attempts?: number;
  /** @default 0 */
  attempts_before?: number;
  /** @default 0 */
  not_before_ms?: number;
  /** @default "" */
  error?: string;
  /** @default false */
  stopping?: boolean;
}

/** One operation of a JSON Patch (RFC 6902). `path` and `from` are JSON pointers; members it does not know are skipped. */
export interface PatchOperation {
  op: "add" | "copy" | "move" | "remove" | "replace" | "test";
  path: string;
  from?: string;
  value?: Json;
}

/**
 * `GET /v1/timelines/{id}/plan`: a render that was thought through and not made.
 *
 * `segments` in the order in which they are joined; `to_render` counts the frames that are not kept yet. `defaults` were
 * chosen where the timeline leaves it open, `notices` tell what comes out otherwise than asked, `methods` how pictures are
 * made that no source has, `warnings` what a render would fail at. `sound_kept` None: the film is silent. `proxies` are the ids
 * of those that a draft reads instead of footage, and `preview_warnings` say where it does and where one is missing.
 * `ordering` says what is done after what; `captions` how they are had, `sidecars` what the files of captions beside the film
 * are called.
 */
export interface Plan {
  timeline_id: string;
  version: number;
  profile: string;
  plan_hash: string;
  frames: number;
  duration: Exact;
  encoder: PlanEncoder;
  segments: PlanSegment[];
  to_render: number;
  sound_kept: boolean | null;
  /** @default [] */
  proxies?: string[];
  /** @default [] */
  preview_warnings?: string[];
  /** @default [] */
  defaults?: string[];
  /** @default [] */
  notices?: string[];
  /** @default [] */
  methods?: string[];
  /** @default [] */
  warnings?: string[];
  /** @default [] */
  dependency_notices?: Dependency[];
  /** @default [] */
  ordering?: string[];
  /** @default null */
  sound?: PlanSound | null;
  /** @default "any" */
  captions?: "any" | "ass" | "burn" | "none" | "soft" | "srt" | "vtt";
  /** @default [] */
  sidecars?: string[];
}

/**
 * Input of the tool `plan_cut`.
 *
 * `keep` None: the planner chooses. Else exactly these spans are kept, in source order, overlapping ones as one, widened
 * where they would split a word. `post` is done with the cut once it is planned.
 */
export interface PlanCutInput {
  goal: string;
  profile: string;
  /** @default null */
  keep?: KeepSpan[] | null;
  /** @default null */
  post?: PostSettings | null;
}

/** How pictures are encoded, and why so. `settings` are the encoder's own. */
export interface PlanEncoder {
  codec: string;
  width: number;
  height: number;
  rate: Exact;
  settings: { [name: string]: string };
  why: string;
}

/**
 * Output frames `[first, first + frames)`, made as one piece and kept under `key`.
 *
 * `clip` is the lowest one seen, `asset_id` what it shows; "" and None where there is none. `kept`: it is there already.
 */
export interface PlanSegment {
  first: number;
  frames: number;
  kind: "copy" | "edge" | "render";
  key: string;
  clip: string;
  asset_id: string | null;
  kept: boolean;
}

/**
 * How a film's sound is brought to its loudness (LUFS) below its peak (dBTP), None: left as it is, and encoded.
 *
 * `bitrate` is in bits a second. `gain_db` is what it is raised by, measured when it is mixed; None: that is still to come.
 * `ducking` says which tracks make way for which.
 */
export interface PlanSound {
  codec: string;
  bitrate: number;
  sample_rate: number;
  loudness_lufs: number | null;
  ceiling_dbtp: number | null;
  /** @default null */
  gain_db?: number | null;
  /** @default [] */
  ducking?: string[];
}

/**
 * A source that the plan was made from. `artifacts` are the ids of the analyses used, by kind.
 *
 * `speech` are the stretches in which somebody speaks, in order; None where nobody listened (no sound).
 */
export interface PlanSource {
  asset_id: string;
  asset: string;
  duration: Exact;
  /** @default {} */
  artifacts?: { [name: string]: string };
  /** @default null */
  speech?: TimeRange[] | null;
}

/** Stop everything for good. */
export interface PostCanceled {
  type: "mission.canceled";
  /** @default "" */
  reason?: string;
}

/**
 * Captions put onto the film: `subtitles` are the text of an SRT or a WebVTT file.
 *
 * Its times are those of the asset `asset_id`, and what was said there is carried through the cuts; None: of the finished
 * film. `style` are parameters of the catalogue's `caption`. `delivery` is how the film has them, None: as its profile says.
 */
export interface PostCaptions {
  subtitles: string;
  /** @default null */
  asset_id?: string | null;
  /** @default {} */
  style?: { [name: string]: number | string | Keyframe[] };
  /** @default null */
  delivery?: "any" | "ass" | "burn" | "none" | "soft" | "srt" | "vtt" | null;
}

/** Decide an approval: no. `amend` is merged into the item's input for the next attempt. */
export interface PostDenied {
  type: "approval.denied";
  work_item_id: string;
  run_id: string;
  approval_id: string;
  gate: "review" | "test";
  /** @default "" */
  reason?: string;
  /** @default {} */
  amend?: { [name: string]: Json };
}

/** Decide an approval: yes. The reviewer is who posts it. */
export interface PostGranted {
  type: "approval.granted";
  work_item_id: string;
  run_id: string;
  approval_id: string;
  gate: "review" | "test";
}

/** A parameter of an effect that changes over the film; the times count from its beginning. */
export interface PostKeyframes {
  effect: string;
  parameter: string;
  keys: Keyframe[];
}

/**
 * How loud the film is: integrated loudness (LUFS) and true peak (dBTP); None: as the profile has it.
 *
 * `effects` are of the catalogue's family `sound`, on the whole mix of the footage, in this order.
 */
export interface PostMastering {
  /** @default null */
  loudness_lufs?: number | null;
  /** @default null */
  true_peak_dbtp?: number | null;
  /** @default 0.0 */
  gain_db?: number;
  /** @default [] */
  effects?: Effect[];
}

/** Start nothing new; what runs goes on. */
export interface PostPaused {
  type: "mission.paused";
  /** @default "" */
  reason?: string;
}

/** A resource is at a new rev. Where somebody is being asked about it they are asked anew; else it changes nothing. */
export interface PostResourceChanged {
  type: "resource.changed";
  key: string;
  rev: number;
}

/** Go on after a pause. */
export interface PostResumed {
  type: "mission.resumed";
}

/** The report of a `manual` item. */
export interface PostRunFinished {
  type: "run.finished";
  work_item_id: string;
  run_id: string;
  status: "canceled" | "failed" | "succeeded";
  /** @default [] */
  artifact_refs?: string[];
  /** @default "" */
  reason?: string;
}

/** Somebody has begun with a `manual` item. Its time counts from when it was asked for all the same. */
export interface PostRunStarted {
  type: "run.started";
  work_item_id: string;
  run_id: string;
}

/**
 * What is done with a cut: how it goes from stretch to stretch, how fast, how it looks, sounds and what is written on it.
 *
 * `speed` is that of the whole film, 1 as recorded: a goal's length is that of what is seen. `colour` are effects of the
 * picture, on the whole film, in this order; `keyframes` come after them.
 */
export interface PostSettings {
  /** @default null */
  transitions?: PostTransitions | null;
  /** @default null */
  speed?: Exact | null;
  /** @default [] */
  keyframes?: PostKeyframes[];
  /** @default null */
  mastering?: PostMastering | null;
  /** @default [] */
  colour?: Effect[];
  /** @default null */
  captions?: PostCaptions | null;
}

/** Begin. */
export interface PostStarted {
  type: "mission.started";
}

/** Whoever does a `manual` item has called a tool of their own; it counts against `max_tool_calls`. */
export interface PostToolObserved {
  type: "tool.observed";
  work_item_id: string;
  run_id: string;
  tool: string;
}

/**
 * How each kept stretch goes over into the next: for so many seconds, half before the cut and half after.
 *
 * Where a stretch follows the one before it in its source there is no cut to be seen, and no transition. What the
 * footage has no material for is shorter, and a notice says so.
 */
export interface PostTransitions {
  /** @default "dissolve" */
  kind?: string;
  /** @default "1/2" */
  duration?: Exact;
  /** @default {} */
  parameters?: { [name: string]: number | string | Keyframe[] };
}

/**
 * One item of a mission that has not been made.
 *
 * `effect` is the tool's: `none` computes, `local` writes on this machine, `external` leaves it; `manual` work is a
 * person's. `touches` says what the call would reach. `review` and `test` say who decides. `estimate_s` is the median of
 * how long `estimated_from` earlier runs of the tool took; None where there were none, or where people do the work.
 */
export interface PreviewItem {
  work_item_id: string;
  title: string;
  kind: string;
  depends_on: string[];
  effect: "external" | "local" | "manual" | "none";
  touches: string[];
  review: "agent" | "auto" | "human" | "none";
  test: "agent" | "auto" | "human" | "none";
  estimate_s: number | null;
  estimated_from: number;
}

/** `application/problem+json`. An error's own fields (`key`, `expected`, `field`, ...) are in `extra`. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  /** @default "about:blank" */
  type?: string;
  /** @default "" */
  instance?: string;
  /** @default {} */
  extra?: { [name: string]: Json };
}

/**
 * A target: what a platform wants of a file. `width`, `height` None: as the source has it.
 *
 * `rate` None: the source's, brought between `rate_min` and `rate_max` frames a second. `loudness_lufs` and
 * `true_peak_dbtp` None: left alone. `max_duration` and `default_duration` (of a highlight without a length) in seconds.
 * `priority` is how urgent its renders are. `source` says where the figures come from; `confidence` how far to trust them. `safe_zone` None: not known.
 * `min_duration` (seconds) and `max_bytes` are limits of the platform, None: it has none. `captions` is how they are had
 * where nobody asks otherwise. `decode_whole`: a finished film is decoded from end to end before it is called finished,
 * else around its cuts. `copies`: footage that is shown as it is is copied, and what stands around it is encoded to suit
 * (`exact`); or spans of one source are widened to where decoding may begin and end, and nothing is encoded (`only`).
 */
export interface Profile {
  name: string;
  title: string;
  width: number | null;
  height: number | null;
  rate: Exact | null;
  rate_max: Exact;
  codec: string;
  crf: number;
  preset: string;
  gop_s: Exact;
  audio_codec: string;
  audio_bitrate: number;
  sample_rate: number;
  loudness_lufs: number | null;
  true_peak_dbtp: number | null;
  max_duration: Exact | null;
  default_duration: Exact | null;
  source: string;
  read_on: string;
  confidence: "convention" | "published";
  /** @default "1" */
  rate_min?: Exact;
  /** @default "normal" */
  priority?: "high" | "low" | "normal";
  /** @default "never" */
  copies?: "exact" | "never" | "only";
  /** @default "mp4" */
  container?: "mkv" | "mov" | "mp4" | "webm";
  /** @default "cpu" */
  encoder?: string;
  /** @default null */
  video_bitrate?: number | null;
  /** @default null */
  short_side?: number | null;
  /** @default false */
  proxies?: boolean;
  /** @default null */
  min_duration?: Exact | null;
  /** @default null */
  max_bytes?: number | null;
  /** @default "any" */
  captions?: "any" | "ass" | "burn" | "none" | "soft" | "srt" | "vtt";
  /** @default false */
  decode_whole?: boolean;
  /** @default null */
  safe_zone?: SafeZone | null;
}

/** `progress`: how far a running thing is, in any unit; never logged, no id. `eta_s` None: cannot be told yet. */
export interface ProgressReport {
  key: string;
  done: number;
  total: number;
  /** @default null */
  eta_s?: number | null;
  /** @default "" */
  note?: string;
}

/** `POST /v1/memory/{id}/promote`. `approval_id` is the evidence of a review: of this memory, as it is, to this tier. */
export interface PromoteRequest {
  to_tier: "curated" | "project" | "team";
  /** @default null */
  approval_id?: string | null;
  /** @default "" */
  reason?: string;
}

/**
 * Resource `proxy/{proxy_id}`, the id being `{asset_id}-{size}`: frame n of it is frame n of the asset.
 *
 * `size` is how many lines its shorter side has on the ladder, `width` x `height` what it is, upright and with square
 * pixels. `key` is the hash of all that its pixels depend on. `bytes` and `sha256` are the file's, None until it is there;
 * a file that had to make room for others takes its proxy with it.
 */
export interface Proxy {
  proxy_id: string;
  asset_id: string;
  size: number;
  state: "canceled" | "failed" | "queued" | "ready" | "running";
  width: number;
  height: number;
  frames: number;
  key: string;
  /** @default null */
  bytes?: number | null;
  /** @default null */
  sha256?: string | null;
  /** @default null */
  error?: RenderError | null;
}

/** `POST /v1/proxies`: `size` is one of the ladder: 1080, 720 or 360 lines, no more than the asset has itself. */
export interface ProxyRequest {
  asset_id: string;
  /** @default 720 */
  size?: number;
}

/** `PUT /v1/resources/{key}`. `ttl_ms`: so long until the record is deleted; without it the record lives on. */
export interface PutRequest {
  value: Json;
  /** @default null */
  ttl_ms?: number | null;
}

/**
 * Exposure and sharpness every `hop` seconds from 0.
 *
 * `luma` is the mean brightness 0..1; `clipped` the part of pixels that is black or white; `sharpness` 0..1, where
 * values below `blur_below` mean a blurred picture, and 1 also a plain one, in which nothing could be sharp. `black`
 * marks samples without a picture to see.
 */
export interface Quality {
  hop: Exact;
  luma: number[];
  clipped: number[];
  sharpness: number[];
  blur_below: number;
  black: boolean[];
}

/** `GET /ready`: `ready` is whether work is taken; what is missing among `features` only narrows it. */
export interface Ready {
  features: Feature[];
  /** @default true */
  ready?: boolean;
}

/**
 * `out.mp4.receipt.json`: what went in, what was done and by whose leave. `mission_id` "": no mission delivered it.
 *
 * `post` are the settings that were put onto the cut, `PostSettings`. `sidecars` are the files of captions beside the film.
 */
export interface Receipt {
  output: RenderOutput;
  mission_id: string;
  plan_hash: string;
  inputs: { [name: string]: Json }[];
  versions: { [name: string]: string };
  checks: Check[];
  approvals: { [name: string]: Json }[];
  log_position: number;
  /** @default [] */
  cuts?: { [name: string]: Json }[];
  /** @default "" */
  render_id?: string;
  /** @default "" */
  profile?: string;
  /** @default [] */
  notices?: string[];
  /** @default {} */
  post?: { [name: string]: Json };
  /** @default [] */
  sidecars?: Sidecar[];
}

/** A resource: its newest value, how often it was written, and by whom last. */
export interface Record {
  key: string;
  value: Json;
  rev: number;
  position: number;
  updated_at_ms: number;
  updated_by: string;
  /** @default null */
  ttl_ms?: number | null;
  /** @default null */
  expires_at_ms?: number | null;
}

/** `GET /v1/resources`, sorted by key. `next` None: the last page. `position`: the head that the read saw. */
export interface RecordPage {
  items: Record[];
  next: string | null;
  position: number;
}

/** So many of a kind were taken out: `api_key`, `token`, `jwt`, `private_key`, `card`, `password`, `high_entropy`, ... */
export interface Redaction {
  kind: string;
  count: number;
}

/** Take a clip away and leave a gap; its transitions go with it. */
export interface Remove {
  type: "remove";
  clip: string;
  /** @default false */
  unlinked?: boolean;
}

/** Take the effect number `effect` from a clip or a track. */
export interface RemoveEffect {
  type: "remove_effect";
  effect: number;
  /** @default null */
  clip?: string | null;
  /** @default null */
  track?: number | null;
}

/** Take away the marker number `index` of a clip, without one of the timeline. */
export interface RemoveMarker {
  type: "remove_marker";
  index: number;
  /** @default null */
  clip?: string | null;
}

/** Take a track away with all that is on it; those above get a number less. */
export interface RemoveTrack {
  type: "remove_track";
  track: number;
}

/** Take away the transition after the clip `after`. */
export interface RemoveTransition {
  type: "remove_transition";
  after: string;
}

/** A stretch of a source that is left out, and why. */
export interface Removed {
  asset_id: string;
  asset: string;
  start: Exact;
  end: Exact;
  reason: string;
}

/**
 * Resource `render/{render_id}`. `cut` is there where a profile copies and the timeline is spans of one source.
 *
 * `captions` is how the film's are wanted, `sidecars` the files of captions that belong beside it
 * (`GET /v1/renders/{render_id}/captions/{number}`, from 0).
 *
 * `timeline_id` and `timeline_version` say of which timeline it is, None: of one that was given whole. `cut_plan` is the
 * artifact that it came from, where a mission planned it.
 */
export interface Render {
  render_id: string;
  state: "canceled" | "completed" | "failed" | "paused" | "queued" | "running";
  profile: string;
  plan_hash: string;
  progress: RenderProgress;
  /** @default {"rendered": 0, "cached": 0} */
  segments?: SegmentCounts;
  /** @default null */
  output?: RenderOutput | null;
  /** @default [] */
  checks?: Check[];
  /** @default null */
  error?: RenderError | null;
  /** @default [] */
  notices?: string[];
  /** @default null */
  cut_plan?: string | null;
  /** @default null */
  timeline_id?: string | null;
  /** @default null */
  timeline_version?: number | null;
  /** @default "normal" */
  priority?: "high" | "low" | "normal";
  /** @default null */
  cut?: CutKept | null;
  /** @default null */
  captions?: "any" | "ass" | "burn" | "none" | "soft" | "srt" | "vtt" | null;
  /** @default [] */
  sidecars?: Sidecar[];
}

/** Where and why a render failed. `code` is as in problems: whether it lies in what was asked for, or in the work. */
export interface RenderError {
  stage: "decode" | "encode" | "filter" | "mux" | "probe" | "publish";
  cause: string;
  /** @default "work_failed" */
  code?: string;
  /** @default null */
  segment?: number | null;
  /** @default null */
  clip?: string | null;
  /** @default null */
  asset?: string | null;
  /** @default null */
  frame?: number | null;
  /** @default "" */
  log_tail?: string;
}

/** Input of the tool `render`; `captions` as in `RenderRequest`. */
export interface RenderInput {
  profile: string;
  /** @default null */
  captions?: "any" | "ass" | "burn" | "none" | "soft" | "srt" | "vtt" | null;
}

/** The finished file: where it lies, the hash of its content, its size and the kind of file. */
export interface RenderOutput {
  path: string;
  sha256: string;
  bytes: number;
  /** @default "mp4" */
  container?: "mkv" | "mov" | "mp4" | "webm";
}

/**
 * Frames done and to do. `eta_s` are the seconds that the missing ones take at the pace of those that were made.
 *
 * It is None while nothing has been made to go by, and when nobody is at work. While a film is joined and checked, all
 * its frames are done.
 */
export interface RenderProgress {
  done_frames: number;
  total_frames: number;
  /** @default null */
  eta_s?: number | null;
}

/**
 * Have a timeline rendered: the one of this id, as it is now or at a version of it, or one that is given whole.
 *
 * The same `job_id` with the same input is the same job, which goes on if it had failed or was canceled; with other input
 * it is a conflict. Without one, equal plans are the same job. `priority` None: as the profile has it; `captions` None: as
 * the timeline says, else as the profile has them.
 */
export interface RenderRequest {
  profile: string;
  /** @default null */
  timeline_id?: string | null;
  /** @default null */
  version?: number | null;
  /** @default null */
  timeline?: Timeline | null;
  /** @default null */
  job_id?: string | null;
  /** @default null */
  priority?: "high" | "low" | "normal" | null;
  /** @default null */
  captions?: "any" | "ass" | "burn" | "none" | "soft" | "srt" | "vtt" | null;
}

/**
 * `replay --check`: how much was folded, and whether it came to what is published.
 *
 * `oldest` is the position of the checkpoint that the fold began with, 0 for the first event.
 */
export interface ReplayProof {
  equal: boolean;
  events: number;
  position: number;
  streams: number;
  resources: number;
  difference: Difference | null;
  /** @default 0 */
  oldest?: number;
}

/** A part of a message was written, or written anew. */
export interface ReportPartUpdated {
  type: "message.part.updated";
  run_id: string;
  part: MessagePart;
}

/** A run of the session has ended, with this result. */
export interface ReportRunFinished {
  type: "session.run.finished";
  run_id: string;
  /** @default null */
  result?: Json;
}

/** A run of the session has begun. Like all reports it may carry more fields; they are skipped. */
export interface ReportRunStarted {
  type: "session.run.started";
  run_id: string;
}

/** `resource.deleted`: `rev` is the tombstone's. */
export interface ResourceDeleted {
  key: string;
  rev: number;
  /** @default "" */
  updated_by?: string;
  /** @default 0 */
  updated_at_ms?: number;
}

/** A resource at a checkpoint: its newest write, at `position`; `deleted`: a tombstone, and `value` is null. */
export interface ResourceLine {
  partition: string;
  key: string;
  rev: number;
  value: Json;
  deleted: boolean;
  position: number;
  ordinal: number;
  updated_at_ms: number;
  updated_by: string;
  ttl_ms: number | null;
  expires_at_ms: number | null;
}

/** `resource.updated`: the resource's whole new value, as JSON. */
export interface ResourceUpdated {
  key: string;
  rev: number;
  value: Json;
  /** @default "" */
  updated_by?: string;
  /** @default 0 */
  updated_at_ms?: number;
}

/**
 * `restore FILE` and `log import FILE`: the log that lies in the state directory now.
 *
 * `rebuilt`: what was published in the backup was not what its log comes to, and was written anew from the log.
 */
export interface Restored {
  events: number;
  position: number;
  hash: string;
  /** @default false */
  rebuilt?: boolean;
}

/** Take a clip away; what comes later on its track moves up. */
export interface RippleDelete {
  type: "ripple_delete";
  clip: string;
  /** @default false */
  unlinked?: boolean;
}

/**
 * Resource `routine/{routine_id}`.
 *
 * `next_fire_at_ms` is when the next tick fires, its jitter included; None while it is not active, and when nothing is to
 * come. `runs` and `missed` count since it was made; `active_runs` are alive, `waiting_runs` wait for those to end.
 */
export interface Routine {
  routine_id: string;
  name: string;
  status: "active" | "draft" | "paused";
  entrypoint: Entrypoint;
  args: { [name: string]: Json };
  schedule: Schedule | null;
  watch: Watch | null;
  chain: Chain | null;
  misfire: Misfire;
  overlap: "allow" | "queue" | "skip";
  jitter_ms: number;
  allowed_tools: string[];
  output_targets: string[];
  requires_approval: boolean;
  external_effects_allowed: boolean;
  creator: string;
  created_at_ms: number;
  /** @default null */
  activated_by?: string | null;
  /** @default null */
  next_fire_at_ms?: number | null;
  /** @default null */
  last_fired_at_ms?: number | null;
  /** @default 0 */
  runs?: number;
  /** @default 0 */
  missed?: number;
  /** @default [] */
  active_runs?: string[];
  /** @default [] */
  waiting_runs?: string[];
}

/**
 * `POST /v1/routines`: a draft. It fires by `schedule`, `watch` or `chain`, at least one of them.
 *
 * In texts of `args`, `$date` is the tick's local date and `$file` the file that a watched folder had. `overlap` says what
 * becomes of a tick while a run is going on. `jitter_ms` delays each tick by up to so much, always the same for the same
 * tick. `allowed_tools` empty: those that the entrypoint uses. `output_targets` are the folders, and the
 * addresses (`https://studio.example/path`), that results may go to; empty: anywhere that the tool itself allows. `external_effects_allowed` is a person's to grant.
 */
export interface RoutineRequest {
  name: string;
  entrypoint: Entrypoint;
  /** @default null */
  routine_id?: string | null;
  /** @default {} */
  args?: { [name: string]: Json };
  /** @default null */
  schedule?: Schedule | null;
  /** @default null */
  watch?: Watch | null;
  /** @default null */
  chain?: Chain | null;
  /** @default {"policy": "skip", "max_runs": null, "grace_ms": 60000} */
  misfire?: Misfire;
  /** @default "skip" */
  overlap?: "allow" | "queue" | "skip";
  /** @default 0 */
  jitter_ms?: number;
  /** @default [] */
  allowed_tools?: string[];
  /** @default [] */
  output_targets?: string[];
  /** @default true */
  requires_approval?: boolean;
  /** @default false */
  external_effects_allowed?: boolean;
}

/**
 * Resource `routine-run/{run_id}`: one execution of a routine.
 *
 * `due_at_ms` is the tick that it stands for; without a schedule when it was asked for. `file` is what a watched folder
 * had, `after_mission` the mission whose end began it.
 */
export interface RoutineRun {
  run_id: string;
  routine_id: string;
  due_at_ms: number;
  fired_at_ms: number;
  trigger: "backfill" | "chain" | "run_now" | "schedule" | "watch";
  status: "blocked_policy" | "canceled" | "completed" | "denied" | "failed" | "paused" | "pending_approval" | "queued" | "running";
  /** @default null */
  mission_id?: string | null;
  /** @default null */
  approval_id?: string | null;
  /** @default null */
  reason?: string | null;
  /** @default null */
  file?: string | null;
  /** @default null */
  after_mission?: string | null;
  /** @default null */
  started_at_ms?: number | null;
  /** @default null */
  finished_at_ms?: number | null;
}

/** Answer to run-now and backfill: the runs that it came to, in the order in which they begin. */
export interface RoutineRuns {
  runs: RoutineRun[];
}

/** Answer to `GET /v1/routines/{id}/next`: when it comes due next, without jitter. Of a draft, as if it ran now. */
export interface RoutineTicks {
  items: number[];
}

/**
 * Resource `run/{run_id}`. Its progress is under the same key.
 *
 * `refs` are what it was given, `made` what it made (resource keys). `calls` counts the calls of its tool: more than
 * one when the daemon was ended in between. `reasons` are what earlier attempts of the item were sent back for.
 * `role` says as what the item is done.
 * `approval_id` is the leave that a call of a tool waits for, or has and has not used yet.
 */
export interface Run {
  run_id: string;
  mission_id: string;
  work_item_id: string;
  tool: string;
  attempt: number;
  status: "canceled" | "failed" | "queued" | "running" | "succeeded";
  input: { [name: string]: Json };
  refs: string[];
  reasons: string[];
  queued_at_ms: number;
  /** @default null */
  started_at_ms?: number | null;
  /** @default null */
  finished_at_ms?: number | null;
  /** @default 0 */
  calls?: number;
  /** @default "" */
  author?: string;
  /** @default [] */
  made?: string[];
  /** @default false */
  reused?: boolean;
  /** @default [] */
  notices?: string[];
  /** @default {} */
  output?: { [name: string]: Json };
  /** @default null */
  error?: RunError | null;
  /** @default null */
  approval_id?: string | null;
  /** @default "" */
  role?: string;
}

/** Why a run failed. `code` is one of the stable codes, or `canceled`; `extra` are the error's own fields. */
export interface RunError {
  code: string;
  detail: string;
  /** @default {} */
  extra?: { [name: string]: Json };
}

/** `POST /v1/routines/{id}/run-now`: so many runs, one after the other unless the routine's runs may overlap. */
export interface RunNowRequest {
  /** @default 1 */
  count?: number;
  /** @default "" */
  reason?: string;
}

/** How much of each side a platform covers with its own buttons and words, 0..1 of height or width. */
export interface SafeZone {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

/**
 * When: `{cron, timezone}`, `{every_ms}` from its activation on, or once at `{at_ms}`; exactly one of them.
 *
 * `cron` has five fields, or is `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. `timezone` is an IANA name, `UTC`
 * when it is left out. A local time that the clocks skip is the first instant after the gap; one that comes twice is its
 * first.
 */
export interface Schedule {
  /** @default null */
  cron?: string | null;
  /** @default null */
  timezone?: string | null;
  /** @default null */
  every_ms?: number | null;
  /** @default null */
  at_ms?: number | null;
}

/**
 * A line of `GET /v1/memory/export`: the memory, and its ciphertext in base64.
 *
 * The first 12 bytes are the nonce, the rest is ChaCha20-Poly1305 (RFC 8439) over a `MemoryDocument` in JSON, with `aad`
 * as associated data.
 */
export interface SealedMemory {
  memory: Memory;
  aad: string;
  ciphertext: string;
}

/**
 * `POST /v1/memory/search`. `tiers` empty: all four.
 *
 * Words are looked for in any order, `"several words"` as they stand, `word*` as a beginning, `#tag` among the tags. What
 * belongs to sessions and projects is found in the `workspace` and `project` that are named, the team's in the workspace;
 * what is curated belongs to all. Not named: in every one that the caller may read.
 */
export interface SearchRequest {
  query: string;
  /** @default [] */
  tiers?: ("curated" | "project" | "session" | "team")[];
  /** @default null */
  workspace?: string | null;
  /** @default null */
  project?: string | null;
  /** @default 20 */
  limit?: number;
}

/** The resource `secret/{name}`: that there is one, since when and by whom; its value is nowhere but in its file. */
export interface Secret {
  name: string;
  set_at_ms: number;
  set_by: string;
}

/** Stands for a secret where its value is to go; `prefix` stands before it, such as `Bearer ` in a header. */
export interface SecretRef {
  secret: string;
  /** @default "" */
  prefix?: string;
}

/** `PUT /v1/secrets/{name}`: 8 to 4096 bytes of UTF-8. */
export interface SecretRequest {
  value: string;
}

/**
 * Resource `segment/{key}`: encoded work that is kept. `key` is the hash of all that it depends on.
 *
 * `blob` is where it lies, `count` its frames, or its samples where it is a film's sound. `used_at_ms` is when a render was
 * last seen to use it, to the day; 0: not since it was made. A `proxy` is a whole file and `index` its frame index; `owner`
 * is the resource that goes when they do. `gain_db` is by how much a film's sound was raised, None: it is no film's sound.
 */
export interface Segment {
  key: string;
  kind: "index" | "picture" | "proxy" | "sound";
  blob: string;
  bytes: number;
  count: number;
  /** @default 0 */
  used_at_ms?: number;
  /** @default [] */
  notices?: string[];
  /** @default "" */
  owner?: string;
  /** @default null */
  gain_db?: number | null;
}

/** Where the segments of a render came from. */
export interface SegmentCounts {
  /** @default 0 */
  rendered?: number;
  /** @default 0 */
  cached?: number;
}

/** The run's status after the report; None while nothing that counts was reported. */
export interface SessionEventAnswer {
  status: SessionRunStatus | null;
}

/** `POST /v1/sessions/{id}/events`. */
export interface SessionEventRequest {
  event: ReportRunStarted | ReportRunFinished | ReportPartUpdated;
}

/**
 * Resource `run/{run_id}/status`: what was reported of a run.
 *
 * `phase` says what the last report that counted was about, the run or a tool, and `event_type` which it was;
 * `tool_active`: a tool was called and has not answered. `tool` and `result` are the last tool's, until the run is
 * finished: then `result` is the run's.
 */
export interface SessionRunStatus {
  state: "finished" | "running";
  phase: "run" | "tool";
  tool_active: boolean;
  session_id: string;
  run_id: string;
  event_type: string;
  /** @default null */
  tool?: string | null;
  /** @default null */
  result?: Json;
}

/** Put these items in the place of all that are on a caption track; None: on a new one, on top. */
export interface SetCaptions {
  type: "set_captions";
  items: (Clip | Gap)[];
  /** @default null */
  track?: number | null;
}

/** Change a clip; what is None stays. */
export interface SetClip {
  type: "set_clip";
  clip: string;
  /** @default null */
  name?: string | null;
  /** @default null */
  enabled?: boolean | null;
}

/** Limit the effect number `effect` of a clip or a track to a region; None: it acts everywhere. */
export interface SetMask {
  type: "set_mask";
  effect: number;
  mask: Mask | null;
  /** @default null */
  clip?: string | null;
  /** @default null */
  track?: number | null;
}

/**
 * Set a parameter: a constant, or keyframes; None: back to its default.
 *
 * It is one of the effect number `effect` of a clip or a track; without a number one of the clip's generator.
 */
export interface SetParameter {
  type: "set_parameter";
  name: string;
  value: number | string | Keyframe[] | null;
  /** @default null */
  effect?: number | null;
  /** @default null */
  clip?: string | null;
  /** @default null */
  track?: number | null;
}

/** Give a clip keyframes of its speed; none: it plays at its constant speed again. */
export interface SetRamp {
  type: "set_ramp";
  clip: string;
  ramp: Keyframe[];
  /** @default false */
  unlinked?: boolean;
}

/** Change what the timeline is; what is None stays. At another rate all lengths must be whole frames still. */
export interface SetSettings {
  type: "set_settings";
  /** @default null */
  name?: string | null;
  /** @default null */
  rate?: Exact | null;
  /** @default null */
  width?: number | null;
  /** @default null */
  height?: number | null;
  /** @default null */
  sample_rate?: number | null;
}

/**
 * Play a clip at another speed; a ramp that it has goes.
 *
 * `keep` `duration`: it lasts as long as before and plays more or less of its medium. `media`: it plays what it played,
 * to the nearest whole frame, and what comes later on its track moves.
 */
export interface SetSpeed {
  type: "set_speed";
  clip: string;
  speed: Exact;
  /** @default "duration" */
  keep?: "duration" | "media";
  /** @default false */
  unlinked?: boolean;
}

/** Change a track; what is None stays. A locked track takes no change but one that unlocks it. */
export interface SetTrack {
  type: "set_track";
  track: number;
  /** @default null */
  name?: string | null;
  /** @default null */
  enabled?: boolean | null;
  /** @default null */
  locked?: boolean | null;
  /** @default null */
  gain_db?: number | Keyframe[] | null;
}

/** Change the transition after the clip `after`; what is None stays. Another kind begins with its default parameters. */
export interface SetTransition {
  type: "set_transition";
  after: string;
  /** @default null */
  kind?: string | null;
  /** @default null */
  in_offset?: Exact | null;
  /** @default null */
  out_offset?: Exact | null;
  /** @default null */
  parameters?: { [name: string]: number | string | Keyframe[] } | null;
}

/** A stretch between two edits. Spans are half open; `transition_in` is how the shot begins. */
export interface Shot {
  start: Exact;
  end: Exact;
  start_frame: number;
  end_frame: number;
  transition_in: "cut" | "dissolve" | "fade" | "start";
  confidence: number;
}

/**
 * Captions in a file beside the film, those of the track `track`; `losses` are what the format could not carry.
 *
 * `name` tells it from the film's other files of captions, "" where it is the only one. `path` is where it was
 * delivered, "" before that.
 */
export interface Sidecar {
  format: "ass" | "srt" | "vtt";
  track: string;
  sha256: string;
  bytes: number;
  captions: number;
  /** @default "" */
  name?: string;
  /** @default "" */
  path?: string;
  /** @default [] */
  losses?: Loss[];
}

/** The verdict. `rule` is one of docs/reference/policy.md; `effect` and `targets` are what the tool declares. */
export interface SimulateAnswer {
  decision: "blocked_policy" | "pending_approval" | "run";
  rule: string;
  reason: string;
  effect: "external" | "local" | "none";
  targets: string[];
}

/**
 * `POST /v1/policy/simulate`: what would become of a call; nothing is called, nothing is kept.
 *
 * At most one of `actor`, `mission_id` and `routine_id` says for whom; none: for the caller. For an actor it is a mission of
 * theirs with these `capabilities`, as in `POST /v1/missions`: not given, what the tool needs. `args` are the tool's.
 */
export interface SimulateRequest {
  tool: string;
  /** @default {} */
  args?: { [name: string]: Json };
  /** @default null */
  actor?: string | null;
  /** @default null */
  mission_id?: string | null;
  /** @default null */
  routine_id?: string | null;
  /** @default null */
  capabilities?: string[] | null;
}

/** A way of solving something, and what came of it. What was denied, failed or superseded is never promoted. */
export interface SolutionCapsule {
  problem: string;
  approach: string;
  /** @default [] */
  evidence?: string[];
  outcome: "denied" | "failed" | "partial" | "succeeded" | "superseded";
}

/** A stretch in which somebody speaks, seconds, half open. */
export interface Speech {
  start: Exact;
  end: Exact;
  confidence: number;
}

/** Cut a clip in two at `at` seconds of clip time; the second is called `new_id`, or gets an id of its own. */
export interface Split {
  type: "split";
  clip: string;
  at: Exact;
  /** @default null */
  new_id?: string | null;
  /** @default false */
  unlinked?: boolean;
}

/** `GET /v1/timelines/{id}`: a timeline whole, as it was at `version` of its stream. */
export interface StoredTimeline {
  timeline_id: string;
  version: number;
  timeline: Timeline;
  duration: Exact;
  created_by: string;
  created_at_ms: number;
  edited_by: string;
  edited_at_ms: number;
  /** @default null */
  forked_from?: TimelineOrigin | null;
}

/** A stream at a checkpoint: its state after `version` events, null where a stream has none. */
export interface StreamLine {
  partition: string;
  stream: string;
  version: number;
  state: Json;
}

/**
 * `ready`: what follows is live. After a snapshot it is the position of the read.
 *
 * `log_id` names the log: another one than before means that the log was set back or replaced (`restore`), and that
 * positions and revs tell nothing of a copy made earlier.
 */
export interface StreamReady {
  position: number;
  /** @default "" */
  log_id?: string;
}

/** A file the mission left behind. */
export interface SummaryFile {
  path: string;
  sha256: string;
  bytes: number;
}

/**
 * What a template takes under one name. `default` None: it must be given.
 *
 * `texts` is a list of at least one text; so is `footage`, of files, folders, for which their files are put in, and
 * `asset/{id}`. A `choice` is one of the names of `choices` and stands for its value. `settings` are an object; its `default` is
 * the JSON of one.
 */
export interface TemplateArgument {
  type: "choice" | "footage" | "settings" | "text" | "texts";
  help: string;
  /** @default null */
  default?: string | null;
  /** @default {} */
  choices?: { [name: string]: string };
}

/** Answer to `POST /v1/tickets`: lets a browser's window in, once, until `expires_at_ms`. */
export interface Ticket {
  ticket: string;
  expires_at_ms: number;
}

/** `[start, start + duration)` in seconds of the medium it points into. */
export interface TimeRange {
  start: Exact;
  duration: Exact;
}

/** One frame rate (frames a second), one sample rate (Hz), one size (pixels). */
export interface Timeline {
  name: string;
  rate: Exact;
  width: number;
  height: number;
  sample_rate: number;
  tracks: Track[];
  /** @default [] */
  markers?: Marker[];
  /** @default {} */
  metadata?: { [name: string]: Json };
}

/**
 * One version of a timeline: who made it, when, and how; `clips` are the ids of those it touched.
 *
 * `operations` are the names of what was asked for, in order. `of` is the version that an undo or a redo took back.
 */
export interface TimelineEdit {
  version: number;
  actor: string;
  at_ms: number;
  event: "created" | "edited" | "redone" | "undone";
  /** @default [] */
  operations?: string[];
  /** @default null */
  of?: number | null;
  /** @default [] */
  clips?: string[];
}

/** `GET /v1/timelines/{id}/export?format=`: the file's text, a name for it, and what it does not say. */
export interface TimelineExport {
  format: "ass" | "edl" | "fcpxml" | "otio" | "srt" | "vtt";
  file_name: string;
  media_type: string;
  text: string;
  losses: Loss[];
}

/**
 * Resource `timeline/{timeline_id}`: all but the tracks' items, which are in `timeline/{timeline_id}/track/{number}`.
 *
 * `version` is what an edit expects; it grows by one with each. `duration` is that of the longest enabled track, seconds.
 */
export interface TimelineHead {
  timeline_id: string;
  version: number;
  name: string;
  rate: Exact;
  width: number;
  height: number;
  sample_rate: number;
  duration: Exact;
  tracks: TrackHead[];
  markers: Marker[];
  metadata: { [name: string]: Json };
  created_by: string;
  created_at_ms: number;
  edited_by: string;
  edited_at_ms: number;
  /** @default null */
  forked_from?: TimelineOrigin | null;
}

/** The timeline that was made of a file, or that took it in, and what of the file is not in it. */
export interface TimelineImport {
  timeline_id: string;
  version: number;
  format: "ass" | "edl" | "fcpxml" | "otio" | "srt" | "vtt";
  losses: Loss[];
}

/**
 * `POST /v1/timelines/import`: a file's text becomes a timeline.
 *
 * `format` None: told by the end of `file_name`, else by the text. `assets` says which asset a name in the file means
 * (path, URL, file name or reel); what is not there is looked for among the assets by path and by name. `rate`, `width`,
 * `height` and `sample_rate` stand where the file does not say them. `into`: captions are put on a kept timeline of this id, on
 * caption tracks of their own on top, as an edit that can be undone; the file's other settings are the timeline's then, and
 * `name` is what the tracks are called.
 */
export interface TimelineImportRequest {
  text: string;
  /** @default "" */
  file_name?: string;
  /** @default null */
  format?: "ass" | "edl" | "fcpxml" | "otio" | "srt" | "vtt" | null;
  /** @default null */
  name?: string | null;
  /** @default {} */
  assets?: { [name: string]: string };
  /** @default null */
  rate?: Exact | null;
  /** @default null */
  width?: number | null;
  /** @default null */
  height?: number | null;
  /** @default null */
  sample_rate?: number | null;
  /** @default null */
  into?: string | null;
}

/** Resource `timeline/{timeline_id}/track/{number}/items/{page}`: some items of a long track that follow each other. */
export interface TimelineItems {
  timeline_id: string;
  number: number;
  page: string;
  items: (Clip | Gap | Transition)[];
}

/** The timeline, at a version of its stream, that another one was forked from. */
export interface TimelineOrigin {
  timeline_id: string;
  version: number;
}

/** Media that is another timeline, as it was at a version of its stream; None: as it is when it is read. */
export interface TimelineReference {
  type: "timeline";
  timeline_id: string;
  /** @default null */
  version?: number | null;
}

/** `POST /v1/timelines`: keep this timeline, as its version 1. */
export interface TimelineRequest {
  timeline: Timeline;
}

/**
 * Resource `timeline/{timeline_id}/track/{number}`; the lowest track has the number 0.
 *
 * Of a long track the items are not here: they are the resources
 * `timeline/{timeline_id}/track/{number}/items/{page}`, one for each of `pages`, in this order. An edit writes only the
 * pages that it touches. Without `pages` the track is whole.
 */
export interface TimelineTrack {
  timeline_id: string;
  number: number;
  track: Track;
  /** @default [] */
  pages?: string[];
}

/** The resource `token/{id}`, there until it is revoked. `sha256` is that of the secret, in hex; nobody has more. */
export interface Token {
  token_id: string;
  actor: string;
  human: boolean;
  tenant: string;
  env: string;
  capabilities: string[];
  expires_at_ms: number | null;
  created_at_ms: number;
  created_by: string;
  sha256: string;
  /** @default null */
  revoked_at_ms?: number | null;
}

/** `POST /v1/tokens`. `tenant` and `env` not given: the issuer's own. `expires_at_ms` None: until it is revoked. */
export interface TokenRequest {
  actor: string;
  capabilities: string[];
  /** @default false */
  human?: boolean;
  /** @default null */
  tenant?: string | null;
  /** @default null */
  env?: string | null;
  /** @default null */
  expires_at_ms?: number | null;
}

/** What a deletion leaves: `rev` is the tombstone's, and goes on from there when the key is written again. */
export interface Tombstone {
  key: string;
  rev: number;
  position: number;
}

/**
 * What a command or a tool of a package takes under one name. `default` None: it must be given.
 *
 * A `text` matches `pattern` from its beginning to its end, where one is given. A `choice` is one of `choices`. Numbers
 * lie in `[minimum, maximum]`. A `file` is named `asset/{id}` or `render/{id}`; the program gets the path of the file.
 */
export interface ToolArgument {
  type: "boolean" | "choice" | "file" | "integer" | "number" | "text";
  /** @default "" */
  help?: string;
  /** @default null */
  default?: string | number | boolean | null;
  /** @default null */
  pattern?: string | null;
  /** @default [] */
  choices?: string[];
  /** @default null */
  minimum?: number | null;
  /** @default null */
  maximum?: number | null;
}

/**
 * Items one after the other from time 0. Picture tracks lie one above the other, the first at the bottom.
 *
 * `gain_db` and `effects` act on the sound of an audio track, `effects` on the picture of a video track.
 */
export interface Track {
  kind: "audio" | "caption" | "video";
  name: string;
  items: (Clip | Gap | Transition)[];
  /** @default true */
  enabled?: boolean;
  /** @default false */
  locked?: boolean;
  /** @default 0.0 */
  gain_db?: number | Keyframe[];
  /** @default [] */
  effects?: Effect[];
}

/** A track without its items: how many there are, and how long they last together, seconds. */
export interface TrackHead {
  kind: "audio" | "caption" | "video";
  name: string;
  enabled: boolean;
  locked: boolean;
  items: number;
  duration: Exact;
}

/** All operations of a transaction, in their order; they share one position. */
export interface TransactionAnswer {
  position: number;
  results: OperationResult[];
}

/** `POST /v1/resources/transaction`: carried out in order, each operation on what those before it have made. */
export interface TransactionRequest {
  operations: Operation[];
}

/**
 * Stands between two clips and takes no time of its own: it covers `[cut - in_offset, cut + out_offset)`.
 *
 * The clip before is shown `out_offset` beyond its end, the clip after `in_offset` before its start: they need that much
 * media beyond their source range (handles).
 */
export interface Transition {
  type: "transition";
  kind: string;
  in_offset: Exact;
  out_offset: Exact;
  /** @default {} */
  parameters?: { [name: string]: number | string | Keyframe[] };
}

/**
 * Cut `head` seconds off a clip's beginning and `tail` off its end; what is negative is added.
 *
 * Without `ripple` the rest of the track stays where it is: a gap takes the place of what is cut off, and what is added
 * takes it from a gap. With it, what comes later moves.
 */
export interface Trim {
  type: "trim";
  clip: string;
  /** @default "0" */
  head?: Exact;
  /** @default "0" */
  tail?: Exact;
  /** @default false */
  ripple?: boolean;
  /** @default false */
  unlinked?: boolean;
}

/** `POST /v1/timelines/{id}/undo` and `/redo`. `expected_version` None: whatever it has come to. */
export interface UndoRequest {
  /** @default null */
  expected_version?: number | null;
}

/** Take clips out of their link groups. */
export interface Unlink {
  type: "unlink";
  clips: string[];
}

/** Resource `upload/{upload_id}`. How much has come is told by `HEAD`, as `Upload-Offset`. */
export interface Upload {
  upload_id: string;
  name: string;
  bytes: number;
  state: "canceled" | "finished" | "open";
  /** @default null */
  asset_id?: string | null;
}

/** `POST /v1/uploads`: the file's name and how many bytes it has. */
export interface UploadRequest {
  name: string;
  bytes: number;
}

/** What a mission has used so far. `active_ms` counts up to the last start, pause or end. */
export interface Used {
  /** @default 0 */
  steps?: number;
  /** @default 0 */
  tool_calls?: number;
  /** @default 0 */
  active_ms?: number;
}

/**
 * One picture stream. Sizes are pixels as shown, after `rotation` and the sample aspect ratio.
 *
 * `rate` is the nominal rate in frames a second; with `variable_rate` it is the average, and only the frame
 * index tells when a frame is shown. `start` and `duration` are seconds; times count from the first frame shown.
 */
export interface VideoStream {
  index: number;
  codec: string;
  width: number;
  height: number;
  rate: Exact;
  frame_count: number;
  duration: Exact;
  /** @default "0" */
  start?: Exact;
  /** @default 0 */
  coded_width?: number;
  /** @default 0 */
  coded_height?: number;
  /** @default 0 */
  rotation?: 0 | 90 | 180 | 270;
  /** @default false */
  variable_rate?: boolean;
  /** @default "" */
  pixel_format?: string;
  /** @default "" */
  color_range?: string;
  /** @default "" */
  color_space?: string;
}

/**
 * A folder, beneath the media roots: each file in it that is finished fires once, by its content.
 *
 * `pattern` is a file name with `*`, `?`, `[...]`. A file is finished when neither its size nor its time has changed for
 * `stable_ms`. Names that begin with a dot or `~`, or end as unfinished downloads and copies do, are left alone.
 */
export interface Watch {
  folder: string;
  /** @default "*" */
  pattern?: string;
  /** @default 10000 */
  stable_ms?: number;
}

/** Resource `watch/{routine_id}`: how many files of a routine's folder have fired, and the last of them. */
export interface WatchedFolder {
  routine_id: string;
  files: number;
  last_path: string;
  last_at_ms: number;
}

/**
 * The resource `webhook/{name}`. `last_at_ms` None: nothing has come yet.
 *
 * Deliveries are posted to `/v1/webhooks/{name}`; those of another partition than the operator's to
 * `/v1/webhooks/{tenant}.{env}.{name}`.
 */
export interface Webhook {
  name: string;
  secrets: string[];
  enabled: boolean;
  set_at_ms: number;
  set_by: string;
  received: number;
  last_at_ms: number | null;
}

/** `PUT /v1/webhooks/{name}`. `secrets` are names; any of them may have signed, so that one can follow another. */
export interface WebhookRequest {
  secrets: string[];
  /** @default true */
  enabled?: boolean;
}

/** A word of a text and when it is said, seconds from the clip's first frame. */
export interface Word {
  text: string;
  start: Exact;
  end: Exact;
}

/**
 * An item as the mission's head shows it. `attempt` counts runs, 0 before the first.
 *
 * `refs` are what the current run made (resource keys); `reasons` what earlier attempts failed or were denied for.
 */
export interface WorkItem {
  work_item_id: string;
  title: string;
  kind: string;
  status: "blocked" | "canceled" | "done" | "failed" | "in_progress" | "review" | "rework" | "test" | "todo";
  depends_on: string[];
  attempt: number;
  gates: Gates;
  /** @default null */
  current_run_id?: string | null;
  /** @default [] */
  refs?: string[];
  /** @default false */
  reused?: boolean;
  /** @default [] */
  reasons?: string[];
}

/** How many items of a mission there are of each status. */
export interface WorkItemCounts {
  /** @default 0 */
  todo?: number;
  /** @default 0 */
  blocked?: number;
  /** @default 0 */
  in_progress?: number;
  /** @default 0 */
  review?: number;
  /** @default 0 */
  test?: number;
  /** @default 0 */
  rework?: number;
  /** @default 0 */
  done?: number;
  /** @default 0 */
  failed?: number;
  /** @default 0 */
  canceled?: number;
}

/**
 * Resource `mission/{mission_id}/item/{work_item_id}`: all there is to know about an item.
 *
 * `place` is where the item stands among the mission's, from 0.
 */
export interface WorkItemDetail {
  mission_id: string;
  item: WorkItem;
  detail: string;
  role: string;
  input: { [name: string]: Json };
  attempts: Attempt[];
  /** @default 0 */
  place?: number;
}

/** A piece of work. `kind` is the name of the tool that does it; `manual` is done and reported from outside. */
export interface WorkItemRequest {
  title: string;
  /** @default null */
  work_item_id?: string | null;
  /** @default "" */
  detail?: string;
  /** @default "" */
  role?: string;
  /** @default [] */
  depends_on?: string[];
  /** @default "manual" */
  kind?: string;
  /** @default {} */
  input?: { [name: string]: Json };
  /** @default {"review": null, "test": null} */
  gates?: GatesRequest;
}

/** What comes down a stream of resources, by the name of its `event:` line. */
export interface Frames {
  ready: StreamReady;
  "resource.updated": ResourceUpdated;
  "resource.deleted": ResourceDeleted;
  progress: ProgressReport;
  bookmark: Bookmark;
}

/** Every route: what its path holds, what may be asked, what the body is, what is answered. */
export interface Routes {
  /** Alive, and in which versions. Needs no token. Needs no token. */
  "GET /health": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Health;
  };
  /** Figures since the start, in the text format of Prometheus (0.0.4). Needs `log:read`. */
  "GET /metrics": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** Every route, what it takes and what it answers (OpenAPI 3.1). Any token may. */
  "GET /openapi.json": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: { [name: string]: Json };
  };
  /** What works, what is missing, what it would unlock. Any token may. */
  "GET /ready": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Ready;
  };
  /** Sorted by id; `?state=pending` leaves the others out. Needs `approvals:read`. */
  "GET /v1/approvals": {
    path: Nothing;
    query: { state?: string; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Approval[]; next: string | null; position?: number };
  };
  /** The one with this id, with its ETag. Needs `approvals:read`. */
  "GET /v1/approvals/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Approval;
  };
  /** 200 with the approval. Needs `approvals:decide`. */
  "POST /v1/approvals/{id}/approve": {
    path: { id: string };
    query: Nothing;
    body: ApproveRequest;
    answer: Approval;
  };
  /** 200 with the approval. Needs `approvals:decide`. */
  "POST /v1/approvals/{id}/deny": {
    path: { id: string };
    query: Nothing;
    body: DenyRequest;
    answer: Approval;
  };
  /** Sorted by id. Needs `media:read`. */
  "GET /v1/artifacts": {
    path: Nothing;
    query: { asset_id?: string; kind?: string; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Artifact[]; next: string | null; position?: number };
  };
  /** Whole, its data filled in when it is JSON that lies apart for its size. Needs `media:read`. */
  "GET /v1/artifacts/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Artifact;
  };
  /** All of them, page by page. Needs `media:read`. */
  "GET /v1/assets": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Asset[]; next: string | null; position?: number };
  };
  /** 201 when it is new, 200 when the same content is an asset already. Needs `media:write`. */
  "POST /v1/assets": {
    path: Nothing;
    query: Nothing;
    body: AssetRequest;
    answer: Asset;
  };
  /** The one with this id, with its ETag. Needs `media:read`. */
  "GET /v1/assets/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Asset;
  };
  /** The artifact, once it is there. Needs `media:write`. */
  "POST /v1/assets/{id}/analyses": {
    path: { id: string };
    query: Nothing;
    body: AnalysisRequest;
    answer: Artifact;
  };
  /** The file itself, whole or in byte ranges (RFC 9110, 14). Needs `media:read`. */
  "GET /v1/assets/{id}/content": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** The frames whose starts are nearest, half way the earlier. Needs `media:read`. */
  "GET /v1/assets/{id}/frames": {
    path: { id: string };
    query: { times?: string };
    body: undefined;
    answer: FrameTimes;
  };
  /** Who was refused what and who administered the engine, oldest first. Needs `log:admin`. */
  "GET /v1/audit": {
    path: Nothing;
    query: { after?: number; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: AuditEntry[]; next: string | null; position?: number };
  };
  /** All that were ever given, oldest first. Needs `approvals:read`. */
  "GET /v1/delegations": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Delegation[]; next: string | null; position?: number };
  };
  /** 201 with the delegation; a person's token gives it. Needs `approvals:decide`. */
  "POST /v1/delegations": {
    path: Nothing;
    query: Nothing;
    body: DelegationRequest;
    answer: Delegation;
  };
  /** 200 with the delegation, by which nobody decides any more. Needs `approvals:decide`. */
  "DELETE /v1/delegations/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Delegation;
  };
  /** The one with this id, with its ETag. Needs `approvals:read`. */
  "GET /v1/delegations/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Delegation;
  };
  /** Answer the catalogue, families in order of their names; its entries are few and come as one page. Needs `media:read`. */
  "GET /v1/effects": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: { items: CatalogueEntry[]; next: string | null; position?: number };
  };
  /** Takes a ticket and sets the cookie of the window; 403 when it was spent. Needs no token. */
  "POST /v1/enter": {
    path: Nothing;
    query: Nothing;
    body: EnterRequest;
    answer: Entered;
  };
  /** Pages of events from where the log begins; those that the caller may not read are left out, so a page may be short. Needs `log:read`. */
  "GET /v1/log": {
    path: Nothing;
    query: { after?: number; cursor?: string; limit?: number; stream?: string; type?: string };
    body: undefined;
    answer: EventPage;
  };
  /** The database at one moment; `Cutroom-Position` and `Cutroom-SHA256` say of what. Needs `log:admin`. */
  "GET /v1/log/backup": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** Replaces what is old by a checkpoint of what it came to; what runs goes on. Needs `log:admin`. */
  "POST /v1/log/compact": {
    path: Nothing;
    query: Nothing;
    body: CompactRequest;
    answer: CompactedLog;
  };
  /** The log as it grows. Needs `log:read`. */
  "GET /v1/log/events": {
    path: Nothing;
    query: { after?: number; stream?: string; type?: string };
    body: undefined;
    answer: EventRecord | StreamReady | Bookmark;
  };
  /** Events with their hashes, one a line, up to the head. Needs `log:admin`. */
  "GET /v1/log/export": {
    path: Nothing;
    query: { after?: number };
    body: undefined;
    answer: Response;
  };
  /** What is published, compared with the log folded from where it begins. Needs `log:admin`. */
  "GET /v1/log/replay": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: ReplayProof;
  };
  /** The chain, positions and versions, the anchor and the file. Needs `log:admin`. */
  "GET /v1/log/verify": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: LogProof;
  };
  /** Everything but what they say, sorted by id; those that the caller may read. Needs `memory:read`. */
  "GET /v1/memory": {
    path: Nothing;
    query: { tier?: string; workspace?: string; project?: string; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Memory[]; next: string | null; position?: number };
  };
  /** 201 when it is stored, with what was redacted; 200 when nothing was left to store. Needs `memory:write`. */
  "POST /v1/memory": {
    path: Nothing;
    query: Nothing;
    body: MemoryRequest;
    answer: MemoryStored;
  };
  /** Every attempt, allowed or not, oldest first. Needs `log:admin`. */
  "GET /v1/memory/audit": {
    path: Nothing;
    query: { after?: number; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: MemoryAuditEntry[]; next: string | null; position?: number };
  };
  /** 201 with a signed token for a run or a helper, no wider than the caller's own. Needs `memory:write`. */
  "POST /v1/memory/capabilities": {
    path: Nothing;
    query: Nothing;
    body: MemoryCapabilityRequest;
    answer: MemoryCapability;
  };
  /** Every memory of the partition and its ciphertext, one a line, sorted by id. Needs `log:admin`. */
  "GET /v1/memory/export": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** What opens an export, one a line; for a person alone, and to be kept apart. Needs `log:admin`. */
  "GET /v1/memory/export/keys": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** What is found, the best first, and the tiers asked for that the caller may not read. Needs `memory:read`. */
  "POST /v1/memory/search": {
    path: Nothing;
    query: Nothing;
    body: SearchRequest;
    answer: MemoryHits;
  };
  /** Its key is destroyed, and with it what it says, in every copy. Needs `memory:write`. */
  "DELETE /v1/memory/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: MemoryDeleted;
  };
  /** A memory and what it says. Needs `memory:read`. */
  "GET /v1/memory/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: MemoryEntry;
  };
  /** Into a lower tier, encrypted anew. Needs `memory:write`. */
  "POST /v1/memory/{id}/demote": {
    path: { id: string };
    query: Nothing;
    body: DemoteRequest;
    answer: MemoryMoved;
  };
  /** Into a higher tier, after capability, target, review, source and scrubbing. Needs `memory:write`. */
  "POST /v1/memory/{id}/promote": {
    path: { id: string };
    query: Nothing;
    body: PromoteRequest;
    answer: MemoryMoved;
  };
  /** What can be made from a template, and the arguments each takes. Needs `missions:read`. */
  "GET /v1/mission-templates": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: { items: MissionTemplate[]; next: string | null; position?: number };
  };
  /** Heads, oldest first. `?status=running,paused` leaves the others out; so does `?key=`. Needs `missions:read`. */
  "GET /v1/missions": {
    path: Nothing;
    query: { status?: string; key?: string; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Mission[]; next: string | null; position?: number };
  };
  /** 201 with the mission, a draft unless `start` was asked for. Needs `missions:write`. */
  "POST /v1/missions": {
    path: Nothing;
    query: Nothing;
    body: MissionRequest;
    answer: Mission;
  };
  /** What `POST /v1/missions` with this body would make; nothing is made. Needs `missions:write`. */
  "POST /v1/missions/preview": {
    path: Nothing;
    query: Nothing;
    body: MissionRequest;
    answer: MissionPreview;
  };
  /** The one with this id, with its ETag and all of its items. Needs `missions:read`. */
  "GET /v1/missions/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Mission;
  };
  /** Grant the reviews that wait now; 200 with them, and with those left and why. Needs `approvals:decide`. */
  "POST /v1/missions/{id}/approve-all": {
    path: { id: string };
    query: Nothing;
    body: ApproveAllRequest;
    answer: ApproveAllAnswer;
  };
  /** What happened to a mission from outside; 200 `{mission, commands}`. Needs `missions:write`. */
  "POST /v1/missions/{id}/events": {
    path: { id: string };
    query: Nothing;
    body: MissionEventRequest;
    answer: MissionEventAnswer;
  };
  /** Those that nobody has dismissed. Needs `missions:read`. */
  "GET /v1/notices": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Notice[]; next: string | null; position?: number };
  };
  /** 200 with the notice, which is then gone from the list. Needs `missions:write`. */
  "POST /v1/notices/{id}/dismiss": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Notice;
  };
  /** Commands that are not finished, sorted by id; `?state=dead,unknown` leaves the others out. Needs `log:read`. */
  "GET /v1/outbox": {
    path: Nothing;
    query: { state?: string; limit?: number; cursor?: string };
    body: undefined;
    answer: { items: OutboxCommand[]; next: string | null; position?: number };
  };
  /** Have a command dropped; what waits for it to be carried out hears nothing. Needs `log:admin`. */
  "POST /v1/outbox/{id}/cancel": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: OutboxCommand;
  };
  /** Have a dead or unknown command tried again, with the same idempotency key. Needs `log:admin`. */
  "POST /v1/outbox/{id}/redeliver": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: OutboxCommand;
  };
  /** 200 with the verdict on a call; nothing is called, nothing is kept. Needs `missions:read`. */
  "POST /v1/policy/simulate": {
    path: Nothing;
    query: Nothing;
    body: SimulateRequest;
    answer: SimulateAnswer;
  };
  /** Answer all target profiles, in the order of the table; they are few and come as one page. Needs `renders:read`. */
  "GET /v1/profiles": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: { items: Profile[]; next: string | null; position?: number };
  };
  /** All of them, page by page. Needs `media:read`. */
  "GET /v1/proxies": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Proxy[]; next: string | null; position?: number };
  };
  /** Have an asset's proxy made, unless it is there. Needs `media:write`. */
  "POST /v1/proxies": {
    path: Nothing;
    query: Nothing;
    body: ProxyRequest;
    answer: Proxy;
  };
  /** Be rid of it and its file; it is answered as it was. A draft may ask for it again. Needs `media:write`. */
  "DELETE /v1/proxies/{proxy_id}": {
    path: { proxy_id: string };
    query: Nothing;
    body: undefined;
    answer: Proxy;
  };
  /** The one with this id. Needs `media:read`. */
  "GET /v1/proxies/{proxy_id}": {
    path: { proxy_id: string };
    query: Nothing;
    body: undefined;
    answer: Proxy;
  };
  /** End its making; drafts do not ask for it again. Needs `media:write`. */
  "POST /v1/proxies/{proxy_id}/cancel": {
    path: { proxy_id: string };
    query: Nothing;
    body: undefined;
    answer: Proxy;
  };
  /** The file, an MP4 without sound, whole or in byte ranges (RFC 9110, 14). Needs `media:read`. */
  "GET /v1/proxies/{proxy_id}/content": {
    path: { proxy_id: string };
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** All of them, page by page. Needs `renders:read`. */
  "GET /v1/renders": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Render[]; next: string | null; position?: number };
  };
  /** Put a timeline into the queue; 503 with `Retry-After` when too many wait. Needs `renders:write`. */
  "POST /v1/renders": {
    path: Nothing;
    query: Nothing;
    body: RenderRequest;
    answer: Render;
  };
  /** The one with this id. Needs `renders:read`. */
  "GET /v1/renders/{render_id}": {
    path: { render_id: string };
    query: Nothing;
    body: undefined;
    answer: Render;
  };
  /** End it; finished segments are kept for the next time. Needs `renders:write`. */
  "POST /v1/renders/{render_id}/cancel": {
    path: { render_id: string };
    query: Nothing;
    body: undefined;
    answer: Render;
  };
  /** A file of captions that belongs beside the film, from 0. Needs `renders:read`. */
  "GET /v1/renders/{render_id}/captions/{number}": {
    path: { render_id: string; number: string };
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** The finished file, whole or the byte ranges asked for (RFC 9110, 14). Needs `renders:read`. */
  "GET /v1/renders/{render_id}/content": {
    path: { render_id: string };
    query: Nothing;
    body: undefined;
    answer: Response;
  };
  /** End its work until it is resumed; finished segments are kept. Needs `renders:write`. */
  "POST /v1/renders/{render_id}/pause": {
    path: { render_id: string };
    query: Nothing;
    body: undefined;
    answer: Render;
  };
  /** What went into the finished file, what was done and checked. Needs `renders:read`. */
  "GET /v1/renders/{render_id}/receipt": {
    path: { render_id: string };
    query: Nothing;
    body: undefined;
    answer: Receipt;
  };
  /** Put one that is paused, failed or canceled back into the queue. Needs `renders:write`. */
  "POST /v1/renders/{render_id}/resume": {
    path: { render_id: string };
    query: Nothing;
    body: undefined;
    answer: Render;
  };
  /** Sorted by key, with the position of the read. Any token may. */
  "GET /v1/resources": {
    path: Nothing;
    query: { prefix?: string | string[]; limit?: number; cursor?: string };
    body: undefined;
    answer: RecordPage;
  };
  /** List and watch. Any token may. */
  "GET /v1/resources/events": {
    path: Nothing;
    query: { prefix?: string | string[]; after?: number; snapshot?: number };
    body: undefined;
    answer: StreamReady | ResourceUpdated | ResourceDeleted | ProgressReport | Bookmark;
  };
  /** All or nothing, one position; every operation is answered with its rev. Needs `resources:write`. */
  "POST /v1/resources/transaction": {
    path: Nothing;
    query: Nothing;
    body: TransactionRequest;
    answer: TransactionAnswer;
  };
  /** Answers the tombstone. Needs `resources:write`. */
  "DELETE /v1/resources/{key}": {
    path: { key: string };
    query: Nothing;
    body: undefined;
    answer: Tombstone;
  };
  /** With `?at=` as of that position. Any token may. */
  "GET /v1/resources/{key}": {
    path: { key: string };
    query: { at?: number };
    body: undefined;
    answer: Record;
  };
  /** Applied here in one piece, never read-then-write. Needs `resources:write`. */
  "PATCH /v1/resources/{key}": {
    path: { key: string };
    query: Nothing;
    body: { [name: string]: Json };
    also: { "application/json-patch+json": PatchOperation[] };
    answer: Record;
  };
  /** 201 when it is new, else 200. Needs `resources:write`. */
  "PUT /v1/resources/{key}": {
    path: { key: string };
    query: Nothing;
    body: PutRequest;
    answer: Record;
  };
  /** The one with this id, with its ETag. Needs `routines:read`. */
  "GET /v1/routine-runs/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: RoutineRun;
  };
  /** 200 with the run; its mission is canceled with it. Needs `routines:write`. */
  "POST /v1/routine-runs/{id}/cancel": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: RoutineRun;
  };
  /** Sorted by id. Needs `routines:read`. */
  "GET /v1/routines": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Routine[]; next: string | null; position?: number };
  };
  /** 201 with the routine, a draft; 409 `routine_exists`. Needs `routines:write`. */
  "POST /v1/routines": {
    path: Nothing;
    query: Nothing;
    body: RoutineRequest;
    answer: Routine;
  };
  /** Routines, their runs and folders as they change; those of one with `?routine_id=`. Needs `routines:read`. */
  "GET /v1/routines/events": {
    path: Nothing;
    query: { routine_id?: string; after?: number; snapshot?: number };
    body: undefined;
    answer: StreamReady | ResourceUpdated | ResourceDeleted | ProgressReport | Bookmark;
  };
  /** Answers it as it was; runs that are alive go on, those that wait are canceled. Needs `routines:write`. */
  "DELETE /v1/routines/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Routine;
  };
  /** The one with this id, with its ETag. Needs `routines:read`. */
  "GET /v1/routines/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Routine;
  };
  /** A merge patch (RFC 7396) of what was asked for when it was made; null takes a field away. Needs `routines:write`. */
  "PATCH /v1/routines/{id}": {
    path: { id: string };
    query: Nothing;
    body: { [name: string]: Json };
    also: { "application/json": { [name: string]: Json } };
    answer: Routine;
  };
  /** A person has the draft fire by itself, with what they may do themselves. Needs `routines:activate`. */
  "POST /v1/routines/{id}/activate": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Routine;
  };
  /** 202 with the runs of the window's ticks that are over and did not fire. Needs `routines:write`. */
  "POST /v1/routines/{id}/backfill": {
    path: { id: string };
    query: Nothing;
    body: BackfillRequest;
    answer: RoutineRuns;
  };
  /** Its runs, the newest tick first. Needs `routines:read`. */
  "GET /v1/routines/{id}/history": {
    path: { id: string };
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: RoutineRun[]; next: string | null; position?: number };
  };
  /** When it comes due next; of one that is not active, as if it began now. Needs `routines:read`. */
  "GET /v1/routines/{id}/next": {
    path: { id: string };
    query: { count?: number };
    body: undefined;
    answer: RoutineTicks;
  };
  /** It fires no more for now; runs that are alive go on. Needs `routines:write`. */
  "POST /v1/routines/{id}/pause": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Routine;
  };
  /** A person has it fire again, from now on. Needs `routines:activate`. */
  "POST /v1/routines/{id}/resume": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Routine;
  };
  /** 202 with the runs; 409 `routine_not_active` while it is paused or a draft. Needs `routines:write`. */
  "POST /v1/routines/{id}/run-now": {
    path: { id: string };
    query: Nothing;
    body: RunNowRequest;
    answer: RoutineRuns;
  };
  /** The one with this id, with its ETag. Needs `missions:read`. */
  "GET /v1/runs/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Run;
  };
  /** Names and times, sorted by name. Needs `secrets:admin`. */
  "GET /v1/secrets": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Secret[]; next: string | null; position?: number };
  };
  /** The value is gone when this answers, with the secret as it was. Needs `secrets:admin`. */
  "DELETE /v1/secrets/{name}": {
    path: { name: string };
    query: Nothing;
    body: undefined;
    answer: Secret;
  };
  /** Keep a value under a name, in place of the one there was; 200 with what is published. Needs `secrets:admin`. */
  "PUT /v1/secrets/{name}": {
    path: { name: string };
    query: Nothing;
    body: SecretRequest;
    answer: Secret;
  };
  /** Tell what happened in a run of one's own; answers its status. Needs `missions:report`. */
  "POST /v1/sessions/{id}/events": {
    path: { id: string };
    query: Nothing;
    body: SessionEventRequest;
    answer: SessionEventAnswer;
  };
  /** 201 with a ticket that lets a window of a browser in, once, within 30 seconds. Any token may. */
  "POST /v1/tickets": {
    path: Nothing;
    query: Nothing;
    body: undefined;
    answer: Ticket;
  };
  /** Heads, oldest first. Needs `media:read`. */
  "GET /v1/timelines": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: TimelineHead[]; next: string | null; position?: number };
  };
  /** Keep a timeline; 201 with it, at version 1. Needs `media:write`. */
  "POST /v1/timelines": {
    path: Nothing;
    query: Nothing;
    body: TimelineRequest;
    answer: StoredTimeline;
  };
  /** Keep what a file says as a new timeline; 201 with its id and what was not understood. Needs `media:write`. */
  "POST /v1/timelines/import": {
    path: Nothing;
    query: Nothing;
    body: TimelineImportRequest;
    answer: TimelineImport;
  };
  /** Whole; `?version=` or `?at=` (a position of the log) as it was. Needs `media:read`. */
  "GET /v1/timelines/{id}": {
    path: { id: string };
    query: { at?: number; version?: number };
    body: undefined;
    answer: StoredTimeline;
  };
  /** The timeline as a file's text, and what the file does not say. Needs `media:read`. */
  "GET /v1/timelines/{id}/export": {
    path: { id: string };
    query: { format?: string; version?: number };
    body: undefined;
    answer: TimelineExport;
  };
  /** A new timeline that begins as this one was at a version; 201 with it. Needs `media:write`. */
  "POST /v1/timelines/{id}/fork": {
    path: { id: string };
    query: Nothing;
    body: ForkRequest;
    answer: StoredTimeline;
  };
  /** (exact seconds) or `?frame=`: the picture that an export has there. Needs `media:read`. */
  "GET /v1/timelines/{id}/frame": {
    path: { id: string };
    query: { at?: string; frame?: number; format?: string; profile?: string; quality?: string; version?: number };
    body: undefined;
    answer: Response;
  };
  /** Carry operations out, all of them or none; 200 with the head. Needs `media:write`. */
  "POST /v1/timelines/{id}/operations": {
    path: { id: string };
    query: Nothing;
    body: OperationsRequest;
    answer: TimelineHead;
  };
  /** What a render would do; nothing is done. What is missing is a warning. Needs `media:read`. */
  "GET /v1/timelines/{id}/plan": {
    path: { id: string };
    query: { profile?: string; version?: number };
    body: undefined;
    answer: Plan;
  };
  /** Do again what the caller undid last; 200 with the head. Refused as undo is. Needs `media:write`. */
  "POST /v1/timelines/{id}/redo": {
    path: { id: string };
    query: Nothing;
    body: UndoRequest;
    answer: TimelineHead;
  };
  /** Fragmented MP4 from `?from=` seconds on; it ends when the client goes. Needs `renders:read`. */
  "GET /v1/timelines/{id}/stream": {
    path: { id: string };
    query: { from?: string; profile?: string; version?: number };
    body: undefined;
    answer: Response;
  };
  /** Take back the caller's newest edit that stands; 200 with the head. Needs `media:write`. */
  "POST /v1/timelines/{id}/undo": {
    path: { id: string };
    query: Nothing;
    body: UndoRequest;
    answer: TimelineHead;
  };
  /** Those issued from the caller's partition that are not revoked, oldest first. Needs `tokens:admin`. */
  "GET /v1/tokens": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Token[]; next: string | null; position?: number };
  };
  /** 201 with the token, whose secret is shown this once. Needs `tokens:admin`. */
  "POST /v1/tokens": {
    path: Nothing;
    query: Nothing;
    body: TokenRequest;
    answer: IssuedToken;
  };
  /** Answers the token as it was; what it let in is let out. Needs `tokens:admin`. */
  "DELETE /v1/tokens/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Token;
  };
  /** Where to send the pieces. Needs `media:write`. */
  "POST /v1/uploads": {
    path: Nothing;
    query: Nothing;
    body: UploadRequest;
    answer: Upload;
  };
  /** Throw away what has come. Needs `media:write`. */
  "DELETE /v1/uploads/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Upload;
  };
  /** `HEAD` and `GET /v1/uploads/{id}`: how much has come, as `Upload-Offset`. Needs `media:write`. */
  "GET /v1/uploads/{id}": {
    path: { id: string };
    query: Nothing;
    body: undefined;
    answer: Upload;
  };
  /** With `Upload-Offset`: bytes that go there. What came before a break is kept. Needs `media:write`. */
  "PATCH /v1/uploads/{id}": {
    path: { id: string };
    query: Nothing;
    body: BodyInit;
    answer: undefined;
  };
  /** Sorted by name. Needs `webhooks:read`. */
  "GET /v1/webhooks": {
    path: Nothing;
    query: { limit?: number; cursor?: string };
    body: undefined;
    answer: { items: Webhook[]; next: string | null; position?: number };
  };
  /** Nothing that comes for it is taken any more; answers it as it was. Needs `webhooks:admin`. */
  "DELETE /v1/webhooks/{name}": {
    path: { name: string };
    query: Nothing;
    body: undefined;
    answer: Webhook;
  };
  /** The one with this id, with its ETag. Needs `webhooks:read`. */
  "GET /v1/webhooks/{name}": {
    path: { name: string };
    query: Nothing;
    body: undefined;
    answer: Webhook;
  };
  /** A delivery, known by its signature; 202 once it is on record, where it is once. Needs no token. */
  "POST /v1/webhooks/{name}": {
    path: { name: string };
    query: Nothing;
    body: { [name: string]: Json };
    answer: DeliveryAnswer;
  };
  /** Say who may send, by the names of secrets; 201 when it is new, else 200. Needs `webhooks:admin`. */
  "PUT /v1/webhooks/{name}": {
    path: { name: string };
    query: Nothing;
    body: WebhookRequest;
    answer: Webhook;
  };
}

/** The content type of a body that is not `application/json`. */
export const TAKES: { [route: string]: string | undefined } = {
  "PATCH /v1/resources/{key}": "application/merge-patch+json",
  "PATCH /v1/routines/{id}": "application/merge-patch+json",
  "PATCH /v1/uploads/{id}": "application/offset+octet-stream"
};

/** What is answered where it is not JSON: `bytes`, a `stream` of events, or `nothing`. */
export const GIVES: { [route: string]: string | undefined } = {
  "GET /metrics": "bytes",
  "GET /v1/assets/{id}/content": "bytes",
  "GET /v1/log/backup": "bytes",
  "GET /v1/log/events": "stream",
  "GET /v1/log/export": "bytes",
  "GET /v1/memory/export": "bytes",
  "GET /v1/memory/export/keys": "bytes",
  "GET /v1/proxies/{proxy_id}/content": "bytes",
  "GET /v1/renders/{render_id}/captions/{number}": "bytes",
  "GET /v1/renders/{render_id}/content": "bytes",
  "GET /v1/resources/events": "stream",
  "GET /v1/routines/events": "stream",
  "GET /v1/timelines/{id}/frame": "bytes",
  "GET /v1/timelines/{id}/stream": "bytes",
  "PATCH /v1/uploads/{id}": "nothing"
};
