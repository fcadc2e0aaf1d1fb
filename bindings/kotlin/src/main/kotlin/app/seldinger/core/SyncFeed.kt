package app.seldinger.core

import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.update

/**
 * Tells how sync goes, as flows that begin with how it is now. Give it to [SyncService.begin].
 *
 * A service that was closed answers no more: cancel who collects before that.
 */
class SyncFeed(private val background: CoroutineDispatcher = Dispatchers.IO) : SyncObserver {
    private val rung = MutableStateFlow(0L)

    /** What to show of [sync]. */
    fun statuses(sync: SyncServiceInterface): Flow<SyncStatus> = watch(sync::status)

    /**
     * What [ask] answers, now and whenever something changed: `watch(sync::joining)`. Of what follows
     * faster than it is collected, the last counts.
     */
    fun <T> watch(ask: () -> T): Flow<T> =
        rung.map { ask() }.distinctUntilChanged().flowOn(background).conflate()

    /** Called by the core; never waits for who listens. */
    override fun syncChanged() = rung.update { it + 1 }
}
