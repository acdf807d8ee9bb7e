# Тексти сторінок оператора українською. В обох мовах ті самі повідомлення з тими самими змінними.

## Навколо кожної сторінки

nav = Сторінки
skip = До змісту
language = Мова
theme = Тема
theme-auto = Як у системі
theme-light = Світла
theme-dark = Темна
log-in = Увійти
log-out = Вийти
session-over = Ваш сеанс завершено. Набране тут залишилося.
offline = Сервер не відповідає. Те, що ви бачите, може бути застарілим; сторінка пробує знову сама.
act-failed = Не виконано:
to-overview = До огляду

## Навігація

nav-overview = Огляд
nav-runs = Запуски
nav-workers = Виконавці
nav-nodes = Вузли
nav-tasks = Завдання
nav-leases = Оренди
nav-tools = Інструменти

nav-flows = Схеми

## Слова

run = Запуск
flow = Схема
status = Стан
created = Створено
took = Тривав
tokens = Токени
cost = Вартість
from = Від (UTC)
to = До (UTC)
any = будь-який
filter = Показати
older = Давніші
waiting = чекає
task = Завдання
worker = Виконавець
node = Вузол
tool = Інструмент
version = Версія
updated = Змінено
all = усі
none = немає
yes = так
no = ні
never = ніколи
actions = Дії
cancel = Скасувати
close = Закрити
copy = Копіювати
copied = Скопійовано.
this-server = http://ЦЕЙ-СЕРВЕР

## Стани запуску

status-requested = запитаний
status-queued = у черзі
status-running = виконується
status-completed = завершений
status-failed = невдалий
status-cancelled = скасований
status-continued = продовжений

## Помилки

error-not-found = Такого немає
error-method-not-allowed = Тут цього зробити не можна
error-validation-failed = Це не те, що потрібно
error-forbidden = Вам цього не видно
error-rate-limited = Забагато запитів одразу; спробуйте трохи згодом
error-unavailable = Сховище зараз не працює; чому — у журналі сервера
error-other = Щось пішло не так

## Огляд

overview-waits = Чекає на вас
overview-proposals = Пропозиції
overview-questions = Питання
overview-runs = Запуски
overview-work = Робота
overview-workers = Виконавців на зв'язку
overview-queued = Завдань у черзі
overview-leases = Чинних оренд
overview-today = Виклики LLM сьогодні (UTC)
overview-newest = Найновіші запуски
overview-oldest = Найдавніше чекає
overview-health = Справність
overview-store = Сховище
overview-well = читає й пише
overview-ill = не пише
overview-plane = Площина керування
overview-uptime = Працює
overview-failures = Найновіші невдачі
overview-failures-none = Жоден запуск не зазнав невдачі.
plane-none = не задано
plane-untried = ще не питали
plane-connected = на зв'язку
plane-lost = не відповідає
hour = Остання година
hour-ended = Запусків завершилося
hour-most = Найбільше за хвилину
hour-p95 = 95 % із них тривали щонайбільше
hour-runs = Запуски, що завершилися, за хвилинами
hour-durations = Скільки щонайбільше тривали 95 %, за хвилинами
hour-runs-told = { $ended } за годину, { $most } за найнапруженішу хвилину.
hour-durations-told = 95 % тривали щонайбільше { $p95 }; у найповільнішу хвилину — { $slowest }.
hour-nothing = За цю годину не завершився жоден запуск.
hour-since = Пораховано від запуску сервера; тривалості заокруглено вгору не більш як на восьму частину.

## Запуски

runs-none = Запусків тут немає.
runs-total = усього { $count }

## Вхід

name = Ім'я
password = Пароль
by-key = за ключем сервера
login-title = Вхід
login-as = Ви увійшли як
login-by-key = Ви увійшли за ключем сервера
login-until = до
login-go-on = Далі
login-nobody = Увійти за іменем ще ніхто не може. Той, хто керує сервером, задає пароль командою
login-with-key = Або за ключем сервера
login-key-reach = Ключ відкриває всі сторінки й не має нічийого імені. Рішення щодо пропозицій потребують імені людини.
login-key = Ключ сервера
login-open = Відкрити
login-wrong = Ім'я або пароль неправильні.
login-wrong-key = Це не ключ сервера.
login-too-many = Забагато невдалих спроб. Спробуйте ще раз за хвилину.
login-elsewhere = Браузер не підтвердив, що форму надіслала ця сторінка, тому її не прийнято. Відкрийте сторінку за власною адресою сервера та спробуйте ще раз.

## Слова кількох сторінок

nav-questions = Завдання людям
nav-proposals = Пропозиції
nav-audit = Аудит
nav-settings = Налаштування
id = Ідентифікатор
by = Хто
until = До
context = Контекст
save = Зберегти
keep = Залишити як є

## Відмінності

diff = Відмінності
diff-before = Рядок до зміни
diff-after = Рядок після зміни
diff-kind = Зміна
diff-line = Текст
diff-added = додано
diff-removed = вилучено
diff-cut = Відмінностей більше, ніж тут показано.
diff-memory = Пам'ять агента, якою вона є зараз і якою стала б.
diff-file = Файл, яким він є на цьому сервері зараз і яким став би:
diff-accepted = Порівняно з останньою прийнятою пропозицією про те саме:
diff-refused = Її не можна застосувати:
diff-nothing = Що там стоїть зараз, невідомо, тому показано все, що пропонується.
diff-unknown = Що стояло там раніше, не збережено; це все, що було запропоновано.
diff-same = Нічого не зміниться.
diff-counts = { $added ->
    [one] додано { $added } рядок
    [few] додано { $added } рядки
   *[many] додано { $added } рядків
  }, { $removed ->
    [one] вилучено { $removed } рядок
    [few] вилучено { $removed } рядки
   *[many] вилучено { $removed } рядків
  }

## Пропозиції

proposal-pending = чекає на рішення
proposal-auto_approved = схвалена за правилом
proposal-approved = схвалена
proposal-rejected = відхилена
proposal-expired = прострочена
proposal-applying = застосовується
proposal-applied = застосована
proposal-failed = не вдалося застосувати
approve = Схвалити
reject = Відхилити
proposals-inbox = Чекають на рішення
proposals-none-waiting = Жодна пропозиція не чекає на рішення.
proposals-more = Чекають і інші: вони з'являться тут, коли буде вирішено щодо цих.
proposals-choose = Вибрати
proposals-change = Зміна
proposals-why = Підстави
proposals-agent = Агент
proposals-age = Чекає
proposals-left = Залишилося
proposals-duplicate = Пропонує те саме, що й
proposals-overdue = Час на рішення минув.
proposals-decide-chosen = Рішення щодо вибраних
proposals-note = Примітка
proposals-note-hint = Її буде додано до кожного рішення. Щоб відхилити, потрібно щонайменше 10 знаків.
proposals-note-short = Поясніть чому, щонайменше 10 знаками.
proposals-none-chosen = Виберіть хоча б одну пропозицію.
proposals-done = вирішено
proposals-log-in = Рішення має ім'я людини, яка його ухвалила. Щоб вирішувати, увійдіть під своїм іменем.
proposals-history = Уже вирішені
proposals-none-decided = Тут таких немає.
proposals-decided = Хто вирішив
proposals-noted = Примітка
proposals-icon = з ікони
proposals-until = Вирішити до
proposals-revision = Щодо версії
proposals-applied = Що дало застосування
proposals-what = Що зміниться
proposals-what-was = Що було запропоновано
proposals-proposed = Усе, що пропонується
proposals-no-reasoning = Агент не навів підстав.
proposals-confidence = Упевненість:
proposals-citations = На чому ґрунтується
proposals-raw = Уся пропозиція, як її записано
proposals-decision = Рішення
proposals-no-decision = Вирішувати нічого.
proposals-reject-instead = Натомість відхилити
proposals-reject-why = Чому відхилено
proposals-conflict = Те, що вона змінює, відтоді змінилося. Погляньте на відмінності вище: вони показують, що вийде з того, що є зараз.
proposals-force = Застосувати до того, що є зараз
proposals-force-ask = Усе одно застосувати?
proposals-force-means = Її зроблено щодо іншої версії. Те, що змінилося відтоді, залишиться, якщо ця зміна його не зачіпає.
proposals-keep = Не зараз
proposals-again = Застосувати ще раз
proposals-drop = Відмовитися від неї
proposals-log = У журналі аудиту
proposals-log-none = Журнал аудиту ще нічого про неї не каже.
proposals-log-all = Шукати її в усьому журналі аудиту

## Завдання людям

question-open = чекає на відповідь
question-answered = є відповідь
question-closed = закрите
questions-open = Чекають на відповідь
questions-none = Жоден запуск не чекає на людину.
questions-more = Чекає більше, ніж тут показано.
questions-question = Питання
questions-assignee = Кому
questions-age = Чекає
questions-until = До
questions-no-limit = без обмеження
questions-over = З відповіддю або закриті
questions-none-over = Ще ні на що не відповіли.
questions-by = Хто відповів
questions-at = Коли
questions-answer = Відповідь
questions-schema = Якою має бути відповідь (JSON Schema)
questions-send = Відповісти
questions-closed = Закрите без відповіді: запуск пішов далі або закінчився.

## Аудит

audit-lead = Хто що зробив і коли. Кожен запис містить хеш попереднього, тож жоден не можна непомітно змінити, вилучити чи вставити.
audit-number = №
audit-at = Коли
audit-actor = Хто
audit-action = Дія
audit-entity = Що
audit-id = Ідентифікатор
audit-detail = Подробиці
audit-more = більше
audit-hash = Його хеш
audit-prev = Хеш попереднього
audit-entries = Записи
audit-total = { $count ->
    [one] { $count } запис у журналі
    [few] { $count } записи в журналі
   *[many] { $count } записів у журналі
  }
audit-looked-at = { $count ->
    [one] для цієї сторінки переглянуто { $count } запис
    [few] для цієї сторінки переглянуто { $count } записи
   *[many] для цієї сторінки переглянуто { $count } записів
  }
audit-none = Серед переглянутих таких записів немає.
audit-verify-title = Чи журнал такий, яким його записано?
audit-verify-lead = Записи читаються зі сховища ще раз, і хеш кожного обчислюється заново.
audit-verify-some = Перевірити 1 000 найновіших
audit-verify-many = Перевірити 50 000 найновіших
audit-verify-limits = Те, що найновіші записи відрізано або всі переписано заново, видно лише поруч із контрольною точкою, збереженою деінде. Для цього і для всього довгого журналу:
audit-sound = Записи з { $from } по { $to } такі, якими їх записано
audit-sound-whole = Це всі записи, від першого до останнього.
audit-sound-part = Попередніх, по { $before }, не переглянуто; зв'язок із записом { $before } справний.
audit-broken = Журнал не такий, яким його записано
audit-sound-before = Записи з { $from } по { $to } — такі.
audit-head = Хеш останнього перевіреного запису
audit-verified-at = Перевірено
audit-downloads = Щоб зберегти деінде
audit-export = Увесь журнал (JSON Lines)
audit-checkpoint = Підписана контрольна точка
audit-checkpoint-why = Контрольна точка каже за підписом цього сервера, який журнал завдовжки зараз і чим закінчується.
audit-no-checkpoint = Цей сервер не підписує контрольних точок: у нього немає ключа ролі audit.

## Налаштування

settings-server = Сервер
settings-version = Версія
settings-uptime = Працює вже
settings-url = Адреса
settings-tls = Власний сертифікат (TLS)
settings-key = Потрібен ключ
settings-session-secret = Сеанси залежать від секрету
settings-agent-key = Ключ для агентів вузлів
settings-signing-key = Ключ, яким підписує опубліковані схеми
settings-audit-key = Ключ, яким підписує контрольні точки
settings-where = Це задає той, хто запускає сервер, у файлі
settings-docs = API та його опис
settings-store = Сховище
store-works = З нього можна читати й у нього писати.
store-fails = У нього не вдається писати.
store-runs = Запуски
store-tasks = Завдання
store-leases = Оренди
store-audit = Записи аудиту
store-unwritable = У сховище не вдається записати.
store-check = Чи немає в ньому суперечностей, перевіряє, поки сервер не працює,
settings-plane = Площина керування
plane-url = Його URL
plane-key = Ключ адміністратора
plane-fails = недосяжний
plane-unknown = ще не питали
plane-error = Остання помилка
plane-last-success = Востаннє вдалося
plane-last-test = Востаннє перевірено
plane-test = Перевірити з'єднання
plane-set = Задати інший
settings-keys = Ключі виконавців
keys-lead = Кожен впускає одного виконавця і діє лише за нього. Самих ключів ніде не зберігають.
keys-none = Ключів виконавців немає.
key-new = Створити ключ
key-told = Новий ключ
key-told-once = Його показано лише зараз. Скопіюйте його, перш ніж закрити.
key-revoke = Відкликати
key-revoke-ask = Відкликати цей ключ? Він більше нікого не впустить.
key-revoked = відкликано
settings-tokens = Токени долучення
tokens-lead = З токеном одна машина один раз стає вузлом, упродовж 15 хвилин.
tokens-none = Останнім часом токенів не створювали.
token-new = Створити токен
token-told = Новий токен
token-open = чинний
token-used = використаний
token-expired = прострочений
settings-owners = Власники
owners-lead = Люди, які вирішують, кожна під власним іменем.
owners-set = Пароль задано
owners-sessions = Відкриті сеанси
owners-self = ви
owners-key-sessions = { $count ->
    [one] { $count } сеанс відкрито за ключем сервера.
    [few] { $count } сеанси відкрито за ключем сервера.
   *[many] { $count } сеансів відкрито за ключем сервера.
  }
owners-new-password = Новий пароль (щонайменше 12 знаків)
owners-set-password = Задати пароль
owners-ends = Новий пароль закінчує всі сеанси цього власника. Нове ім'я додає нового власника.
owners-remove = Вилучити
owners-remove-ask = Вилучити цього власника? Усі сеанси цієї людини закінчаться.
owners-log-in = Власників змінюють власники, які увійшли.
settings-budgets = Бюджети
budgets-none = Профілів бюджету не задано. Запуски мають профіль standard, який дозволяє те, що підписано разом із їхніми схемами.
budgets-profile = Профіль
budgets-run = На запуск
budgets-time = Час запуску
budgets-day = На агента за добу
budgets-today = Використано сьогодні (UTC)
budgets-unused = Сьогодні LLM не викликали.
budgets-agent = Агент
budgets-calls = Виклики
budgets-share = Від добового бюджету
settings-limits = Обмеження
limit-runs = Запусків одночасно
limit-runs-agent = Запусків кожного агента одночасно + у черзі
limit-runs-of = Запусків агента
limit-depth = Запусків, що викликають один одного, щонайбільше
limit-attempts = Спроб одного ефекту
limit-tool = Час виклику інструмента
limit-lease = Оренда без сигналу життя
limit-offline = Мовчазний виконавець поза зв'язком через
limit-proposal = Пропозиція чекає
limit-body = Тіло запиту
limit-connections = З'єднань одночасно
limit-request = Час запиту
limit-rate = Запитів за хвилину від кожного, хто має ключ
limit-rate-open = Запитів за хвилину з кожної адреси
settings-contexts = Контексти
contexts-lead = Схеми працюють у контекстах. Контекст, якого тут немає, порожній: у ньому виконується будь-яка схема, і жоден інший контекст його не читає.
contexts-none = Жодного контексту не змінювали.
contexts-agents = Схеми, що в ньому виконуються
contexts-memories = Чия пам'ять
contexts-readers = Хто читає
contexts-reader = Контекст, що читатиме
contexts-delegate = Дозволити читати
contexts-revoke = Більше не дозволяти читати

## Запуск

run-stand = На чому він зараз
run-queue = { $position } у черзі
run-elsewhere = Його виконує віддалений виконавець
run-why = Чому він не вдався
run-why-do = Що робити:
run-why-where = Де:
run-why-cancelled = Чому його зупинили
run-continued-by = Його історія вже задовга; замість нього триває запуск
run-waits = Чекає на
run-since = з
run-until = до
run-answer = Відповісти
run-more = і ще { $count }
run-acts = Що можна зробити
run-back = Назад
run-rerun = Запустити знову
run-rerun-what = Та сама програма з тими самими вхідними даними, окремим запуском. Інструменти й LLM викликаються заново.
run-fork = Відгалузити
run-fork-what = Інший запуск має ті самі перші події й іде далі звідти; цей лишається, як є. Те, про що вже запитано й на що немає відповіді, запитується знову.
run-what-if = А якби…?
run-fork-at = Новий запуск матиме всі події до цієї включно (від 1 до { $last })
run-fork-version = Версія схеми, за якою йти далі (порожньо: та сама програма)
run-fork-ask-again = Запитати знову насправді
run-fork-ask-again-what = Інший запуск має все спільне до цього запиту й питає знову: той самий інструмент, модель чи людину. Цей запуск лишається, як є.
run-cancel = Скасувати
run-cancel-what = Запуск зупиниться назавжди. Записане лишиться.
run-cancel-reason = Чому — для людей
run-signal = Сигнал
run-signal-what = Запуск чекає на цей сигнал і піде далі з тим, що ви надішлете.
run-signal-send = Надіслати
run-signal-sent = Сигнал надіслано.
run-path = Пройдений шлях
run-path-told = Пройдені лінії та ікони підсвічено, із кількістю проходів і часом. Виберіть ікону, щоб побачити її запити.
run-differs = Історія не випливає з програми — це показало відтворення:
run-no-diagram = Файл, з якого зроблено цю схему, тут не збережено, тому шлях не намальовано.
run-no-program = Програми, яку закріпив цей запуск, тут немає, або її не підписав ніхто з довірених: шлях не намальовано.
run-selected = Запити вибраної ікони
run-choose = Виберіть ікону або смугу, щоб побачити запит, що з нього вийшло і скільки це коштувало.
run-icon = Ікона
run-values = Що увійшло і що вийшло
run-inputs = Вхідні дані
run-result = Результат
run-proposals = Пропозиції
run-artifacts = Артефакти
run-artifact = Артефакт
run-children = Запуски, які він почав
run-facts = Відомості
run-hash = Програма
run-context = Контекст
run-by = Хто запустив
run-started = Початок
run-ended = Кінець
run-budget = Профіль бюджету
run-parent = Його почав запуск
run-continues = Триває замість запуску
run-origin = Відгалуження запуску
run-events = Подій
run-head = Хеш останньої події
run-earlier = Попередні
run-later = Наступні
run-history = Історія
run-history-chunk = Події { $first }–{ $last }
run-history-raw = Як записано
run-history-whole = Повністю
run-task-queued = у черзі
run-task-leased = в оренді
run-task-running = виконується
run-task-completed = виконане
run-task-failed = невдале
run-task-dead = спроби вичерпано

## Запити запуску

effects = Запити в часі
effects-none = Запуск іще нічого не запитував.
effects-none-here = У цьому запуску ця ікона нікого нічого не запитувала: вона обчислює сама або її не пройдено.
effects-shown = { $first }–{ $last } із { $total }
effects-table = Таблицею
effects-of-icon = { $count ->
    [one] { $count } запит
    [few] { $count } запити
   *[other] { $count } запитів
}
effect = Запит
effect-tool = Інструмент
effect-llm = LLM
effect-flow = Схема
effect-sleep = Пауза
effect-timer = Таймер
effect-timer-end = Кінець таймера
effect-signal = Сигнал
effect-question = Питання
effect-asked = Запитано
effect-answered = Відповідь надійшла
effect-attempts = Спроб
effect-attempt-failed = Спроба { $number } не вдалася:
effect-latency = Затримка
effect-model = Модель
effect-model-asked = Яку модель запитано
effect-tokens = { $input } на вході, { $output } на виході
effect-task = Завдання
effect-worker = Виконавець
effect-lease = Оренда
effect-arguments = Аргументи
effect-prompt = Запит до моделі
effect-system = Системний запит
effect-memory = Пам'ять
effect-schema = Якою має бути відповідь
effect-answer = Відповідь
outcome-completed = виконано
outcome-failed = не вдалося
outcome-running = триває
outcome-cancelled = без відповіді

## З іншою відповіддю

otherwise = Що було б з іншою відповіддю
otherwise-failed = Якби не вдалося
otherwise-choose = Виберіть відповідь, яку отримав запуск: з іншою його буде обчислено заново — до запиту, якого він не робив. Насправді ніхто нічого не запитує, а цей запуск лишається, як є.
otherwise-none = Запуск іще не отримав відповідей.
otherwise-it-was = Відповідь була:
otherwise-more = Відповідей більше: виберіть ікону на діаграмі, щоб побачити її власні.
otherwise-own = Інша відповідь, ваша
otherwise-answer = Відповідь у JSON
otherwise-error = Або код помилки, з якою не вдалося
otherwise-tell = Показати, що сталося б
otherwise-recorded = Як було записано
otherwise-not-told = Цього не можна показати:
otherwise-same = Нічого б не змінилося.
otherwise-same-end = Запуск дійшов би того самого кінця, але не все було б так само.
otherwise-other-end = Запуск дійшов би іншого кінця.
otherwise-stopped = Запуск пішов би іншим шляхом — до запиту, якого ніколи не робив; що сталося б далі, не знає ніхто.
otherwise-waits = Запуск чекав би на щось інше.
otherwise-refused = Запуск не почався б.
otherwise-endless = Запуск обчислював би без кінця.
otherwise-unreadable = Історію не можна прочитати.
otherwise-after = Після ікони
otherwise-went = запуск пішов
otherwise-would-go = а пішов би
otherwise-to-end = до кінця
otherwise-same-way = Шлях був би той самий.
otherwise-answers = { $count ->
    [one] Використано { $count } записану відповідь; нічого не викликано.
    [few] Використано { $count } записані відповіді; нічого не викликано.
   *[other] Використано { $count } записаних відповідей; нічого не викликано.
}
otherwise-was = Як він закінчився
otherwise-would = Як він закінчився б
otherwise-no-end = Кінця не було.
otherwise-differs = У чому різниця
otherwise-asks-new = Запитав би те, чого ніколи не запитував
otherwise-asks-unread = Запитав би інше, але відповіді ніхто не читає
otherwise-asks-other = Запитав би інше
otherwise-asks-no-more = Не запитав би цього
otherwise-hands-more = Видав би { $name }
otherwise-hands-less = Не видав би { $name }
otherwise-hands-other = Видав би { $name } з іншим вмістом
otherwise-ask-really = Відгалуження покаже, що було б далі: воно запитає знову, насправді, і може отримати іншу відповідь.
otherwise-path = Шлях, яким він пішов би

## Доказ запуску

run-replay = Відтворити
replay-what = Програму виконано ще раз над записаним, і вона нічого не викликала. Кожна подія має випливати з попередньої.
replay-same = Історія збігається з тим, що робить програма, до останнього байта.
replay-unfinished = Історія поки збігається з тим, що робить програма. Запуск іще триває.
replay-broken = Ланцюг розірвано: подію змінено, втрачено або додано.
replay-other-program = Історія належить іншій програмі.
replay-misplaced = Подія стоїть там, де не може.
replay-erased = Вміст події стерто, а наступне від нього залежить.
replay-unlinked = Історія узгоджена в собі, але не з запуском, який вона продовжує або який продовжує її.
replay-diverged = Програма робить не те, що записано.
replay-agreed = Збігається подій: { $count } із { $total }.
replay-recorded = Записано
replay-replayed = За програмою
differs-start = Інакший початок запуску:
differs-kind = Мала бути подія іншого виду:
differs-request = Інакший запит:
differs-emission = Інакше те, що видано:
differs-end = Інакший кінець запуску:
differs-state = Інакші змінні наприкінці:

## Подорож у часі

travel = Подорож у часі
travel-here = До цієї миті
travel-event = Подія
travel-go = Перейти
travel-steps = Кроки
travel-fork = Відгалузити звідси
travel-first = Перша
travel-previous = Попередня
travel-next = Наступна
travel-last = Остання
travel-at = Запуск стоїть на
travel-path = Шлях досі
travel-state = Стан
travel-changes = { $count ->
    [0] Ця подія не змінила жодної змінної
    [one] Ця подія змінила { $count } змінну
    [few] Ця подія змінила { $count } змінні
   *[other] Ця подія змінила { $count } змінних
}
travel-branch = Гілка
travel-no-variables = Змінних немає.
travel-not-set = не задано
travel-was = Було:
change-added = нова
change-changed = змінилася
change-removed = зникла
event-run-started = Запуск почався
event-effect-requested = Запитано
event-effect-attempted = Спроба не вдалася
event-effect-completed = Є відповідь
event-effect-failed = Не вдалося
event-emitted = Видано
event-signal-received = Надійшов сигнал
event-run-forked = Відгалужено
event-run-cancelled = Запуск скасовано
event-run-completed = Запуск завершився
event-run-failed = Запуск не вдався
event-run-continued = Триває іншим запуском

runs-more-than = понад { $count }

## Виконавці

workers-summary = На зв'язку { $online } з { $all }
workers-none = Виконавців немає. Запустіть виконавця, як сказано нижче: доти завдання чекають у черзі.
worker-kind = Вид
worker-is-local = у цьому сервері
worker-is-puller = просить завдання
worker-is-agent = агент вузла, якого викликають
worker-is-sighted = відомий від площини керування
worker-stands-online = на зв'язку
worker-stands-offline = не на зв'язку
worker-stands-syncing = синхронізується
worker-stands-error = помилка
worker-stands-unknown = невідомо
worker-drains = більше нічого не бере
worker-blocked-quota = квоту вичерпано
worker-blocked-login = вхід не виконано
worker-blocked-until = до
worker-slots = Місця
worker-busy = Задач у роботі
worker-silent = Мовчить
worker-heard = Озивався
worker-able = Надає
worker-registered = Зареєстровано
worker-os = Система
worker-installed = Встановлено як
worker-holds = Що тримає зараз
worker-holds-nothing = Не тримає жодного завдання.
worker-node = До вузлів
worker-let-in = Впустити знову
worker-let-in-text = Увійдіть до його провайдера на тій машині, потім впустіть виконавця знову: доти він нічого не отримує.
worker-log-in-text = Увійдіть до його провайдера на тій машині (для Claude CLI: запустіть його й наберіть /login). Виконавець перевіряє сам, і його буде впущено, щойно провайдер відповість.
worker-quota-text = Усі, хто ділить цю квоту, чекають, доки її поновлять; спроби тим часом не рахуються. Тут нічого робити не треба.
worker-remove = Вилучити
worker-remove-ask = { $count ->
        [0] Зараз він не тримає жодного завдання. Він повернеться, якщо зареєструється знову.
        [one] { $count } оренду буде відкликано, і її завдання повернеться в чергу для інших виконавців. Він повернеться, якщо зареєструється знову.
        [few] { $count } оренди буде відкликано, і їхні завдання повернуться в чергу для інших виконавців. Він повернеться, якщо зареєструється знову.
       *[many] { $count } оренд буде відкликано, і їхні завдання повернуться в чергу для інших виконавців. Він повернеться, якщо зареєструється знову.
    }
reached-locally = Ця адреса веде до сервера лише з його власної машини. Для інших машин задайте server.public_url і слухайте на адресі, доступній їм.
workers-enroll = Зробити машину виконавцем
workers-enroll-text = Команда встановлює bloom worker як службу systemd або OpenRC. У ній токен, який діє один раз, для цієї назви, 15 хвилин.
workers-enroll-name = Назва виконавця
workers-enroll-name-how = Латинські літери, цифри, . _ -
workers-enroll-make = Створити команду
workers-enroll-run = Виконайте це на
workers-enroll-once = Її показано зараз і більше ніколи; діє до
workers-start = Запустити виконавця вручну
workers-start-text = На будь-якій машині, звідки доступний сервер і де виконано вхід у Claude CLI:

## Вузли

nodes-lead = Машини з агентом, якого викликає цей сервер: він надсилає їм завдання й доручає клонувати проєкти.
nodes-total = Усього вузлів
nodes-online = На зв'язку
nodes-offline = Не на зв'язку або невідомо
nodes-fleet = Парк вузлів
nodes-none = Вузлів немає. Зареєструйте вузол або зробіть вузлом машину — нижче.
node-url = Адреса агента
node-addresses = IP-адреси
node-sighted = від площини керування
node-health = Перевірити
node-health-of = Стан вузла
node-update = Оновити
node-update-ask = Агент завантажить свій найновіший код і запуститься знову. Те, що він тим часом робить, може загубитися, і тоді його буде спробувано ще раз.
node-updated = Агентові сказано оновитися.
node-repository = Репозиторій агента (порожньо: звідки він є)
node-source = Репозиторій, звідки клонувати агента (порожньо: він уже там)
node-restart = Перезапустити
node-restart-ask = Агент запуститься знову. Те, що він робить, може загубитися, і тоді його буде спробувано ще раз.
node-uninstall = Деінсталювати
node-uninstall-ask = Агент видалить себе з машини. Встановити його знову можна лише на самій машині.
node-remove = Вилучити
node-name = Назва вузла
node-port = Порт агента
node-register = Зареєструвати вузол
node-register-text = Для агента, якого вже встановлено. Сервер викликатиме його за цією адресою.
node-register-do = Зареєструвати
node-registered = Вузол зареєстровано.
node-enroll = Зробити машину вузлом
node-enroll-text = Команда встановлює агента як службу systemd або OpenRC. У ній токен, який діє один раз, для цієї назви, 15 хвилин. Потім зареєструйте вузол із його адресою.
projects = Керовані проєкти
projects-lead = Репозиторії Git, які тримають на вузлах.
projects-none = Проєктів немає.
project-name = Назва
project-repository = Репозиторій
project-path = Шлях на вузлі
project-primary = Основний вузол
project-synced = Принесено туди
project-stands-pending = ще не клоновано
project-stands-cloning = клонується
project-stands-cloned = клоновано
project-stands-failed = не вдалося
project-stands-propagating = поширюється
project-stands-synced = на всіх вузлах
project-clone = Клонувати
project-clone-ask = Агент вузла клонує репозиторій. Це може тривати хвилину.
project-propagate = Поширити
project-propagate-ask = Агенти всіх вузлів, які на зв'язку й ще його не мають, клонують репозиторій.
project-sync = Синхронізувати пам'ять
project-sync-ask = Площина керування забере пам'ять проєкту з вузла або принесе її туди.
project-direction = Напрям
project-push = з вузла
project-pull = на вузол
project-delete = Видалити
project-delete-ask = Проєктом більше не керуватимуть. Те, що лежить на вузлах, там і залишиться.
project-new = Новий проєкт
project-new-do = Створити
project-made = Проєкт є; ще нічого не клоновано.

## Завдання

tasks-lead = Про що питають виконавців: ікони схем і клієнти, які самі ставлять завдання.
tasks-none = Завдань тут немає.
task-is-queued = у черзі
task-is-leased = у виконавця
task-is-running = виконується
task-is-completed = виконане
task-is-failed = невдале
task-is-dead = без спроб
task-agent = Схема або агент
task-whole = цілий запуск
task-asks = Просить
task-posted = від клієнта
task-node = Вузол програми
task-context = Контекст
task-attempts = Спроби
task-requires = Потребує
task-priority = Пріоритет
task-timeout = Час на спробу
task-model = Модель
task-not-before = Не раніше
task-requeue = Спробувати знову
task-requeue-ask = Завдання повернеться в чергу, а спроби рахуватимуться спочатку. За нову відповідь виконавця доведеться платити знову.
task-dispatch = Надіслати на вузол
task-dispatch-none = Немає на зв'язку агента вузла, якому його можна надіслати.
task-dispatch-best = найкращий
task-dispatch-do = Надіслати
task-lease = Найновіша оренда
task-answer = Відповідь
task-output = Що сказав виконавець
task-artifact = Артефакт, який із цього збережено
task-prompt = Запит
task-system = Системний запит
task-question = Питання
task-hints = Контекст, що йде з ним
task-schema = Чому має відповідати відповідь (JSON Schema)
task-cut = Це початок.
task-whole-text = Усе завдання як JSON

## Оренди

leases-lead = Хто яке завдання тримає і доки. Хто вчасно не озветься, втрачає його на користь іншого виконавця.
leases-none = Оренд тут немає.
lease-active = чинна
lease-released = завершена
lease-expired = прострочена
lease-failed = невдала
lease-left = Лишилося
lease-ended = закінчилася
lease-for = Для
lease-since = Від

## Інструменти

tools-lead = Компоненти, які схеми можуть тут викликати. Кожен працює в пісочниці й дістає те, на що підписано його схему і що надав оператор.
tools-none = Жодного інструмента не встановлено.
tools-counted = Пораховано від запуску сервера.
tool-effect = Дія
effect-read = лише читає
effect-operational = змінює щось назовні
effect-propose = готує пропозицію
effect-means-read = після збою його питають знову
effect-means-operational = після збою наслідок невідомий
effect-means-propose = готує пропозицію й нічого не змінює
tool-asks = Просить
tool-asks-nothing = Не просить нічого: бачить лише свої аргументи.
tool-digest = Дайджест
tool-calls = Виклики
tool-failed = Невдалі
tool-traps = Аварії
tool-used = Виклики тут
tool-also = Інші назви
tool-params = Позиційні аргументи
tool-others = Інші компоненти з цією назвою
tool-capability = Можливість
tool-granted = Надано оператором
tool-signed = Підписані на це схеми
tool-flows = Схеми, які можуть його викликати
tool-flows-none = Жодна збережена схема його не викликає.
tool-flows-partial = Зі збережених схем переглянуто найновіші { $count }.
tool-pins = Закріплює
tool-pins-none = будь-який встановлений
tool-this = цей
tool-may = Може викликати тут
tool-limits = Обмеження виклику
tool-limit-fuel = Робота (приблизно інструкція за одиницю)
tool-limit-memory = Пам'ять
tool-limit-input = Аргументи
tool-limit-output = Результат
tool-limit-requests = HTTP-запити
tool-limit-at-once = Одночасних викликів
tool-failures = Як може не вдатися
tool-input = Схема входу
tool-output = Схема виходу
tool-add = Додати компонент
tool-add-text = Компонент WebAssembly світу bloom:tool/adapter, щонайбільше 64 МіБ. Він нічого не може, доки схему на нього не підписано і оператор не надав того, що він просить.
tool-component = Компонент
tool-add-do = Додати
tool-sending = Надсилається …
tool-compiling = Компілюється …

## Форми

form-required = обов'язково
form-nothing = Заповнювати нічого не треба.
form-value = Значення
form-yes = так
form-no = ні
form-lines = По одному запису в рядку.
form-json = Записується як JSON.
form-any = JSON або звичайний текст.

## Види значень

kind-text = текст
kind-whole = ціле число
kind-number = число
kind-boolean = так або ні
kind-choice = одне з: { $values }
kind-object = об'єкт
kind-list = список
kind-list-of = список ({ $kind })
kind-any = будь-що
kind-other = JSON
kind-or-null = { $kind } або null
bound-minimum = Щонайменше { $number }.
bound-above = Більше за { $number }.
bound-maximum = Щонайбільше { $number }.
bound-below = Менше за { $number }.
bound-multiple = Кратне { $number }.
bound-shortest = { $count ->
    [one] Щонайменше { $count } символ.
    [few] Щонайменше { $count } символи.
   *[other] Щонайменше { $count } символів.
}
bound-longest = { $count ->
    [one] Щонайбільше { $count } символ.
    [few] Щонайбільше { $count } символи.
   *[other] Щонайбільше { $count } символів.
}
bound-pattern = Має відповідати шаблону { $pattern }
bound-format = Формат: { $format }.
bound-fewest = { $count ->
    [one] Щонайменше { $count } запис.
    [few] Щонайменше { $count } записи.
   *[other] Щонайменше { $count } записів.
}
bound-most = { $count ->
    [one] Щонайбільше { $count } запис.
    [few] Щонайбільше { $count } записи.
   *[other] Щонайбільше { $count } записів.
}
bound-unique = Без повторів.
bound-examples = Наприклад: { $values }.

## Схеми

flows-search = Ідентифікатор або назва
flows-total = { $count ->
    [one] { $count } схема
    [few] { $count } схеми
   *[other] { $count } схем
}
flows-none = Схем ще немає. Опублікуйте першу нижче: перетягніть діаграму, псевдокод або підписаний документ.
flows-not-found = Жодна схема не має цих слів в ідентифікаторі чи назві.
flows-more = Наступні
flow-id = Ідентифікатор
flow-version = Версія
flow-title = Назва
flow-signed-by = Підписи
flow-published = Опубліковано
flow-no-runs = Запусків ще не було.
flow-hash = Хеш
flow-program = Програма
flow-kind = Вид
flow-machine = Може чекати без кінця (автомат).
flow-procedure = Завжди доходить до кінця (процедура).
flow-source = Джерело
flow-no-source = Не вказано, з чого її зроблено.
flow-nobody = Ніхто
flow-is-newest = найновіша
flow-untrusted = Запускати її не можна:
flow-refused = Тут їй буде відмовлено:
flow-all-runs = Усі її запуски
flow-failures = Чому останнім часом не вдавалося
flow-no-failures = Невдалих запусків немає.
flow-facts = Що це
flow-not-drawn = Цю діаграму не вдалося накреслити.
flow-source-not-kept = Файл, з якого її зроблено, тут не зберігається, тому діаграми немає. Його можна додати через API: «PUT …/source».
flow-ir = Підписаний документ (IR)
flow-ir-large = Він завеликий, щоб показати його тут; завантажте його.
flow-inputs = Що вона приймає
flow-outputs = Що вона дає
flow-no-inputs = Вона нічого не приймає.
flow-no-outputs = Не вказано, що вона дає.
flow-versions = Версії
flow-shown = показано
diagram = Діаграма
pseudocode = Псевдокод
pseudocode-uk = Псевдокод українською
pseudocode-en = Псевдокод англійською
download = Завантажити
needs-script = Для цього потрібен JavaScript, а в цьому браузері його вимкнено.

trust-trusted = довірена
trust-untrusted = не довірена

## Початок запуску

start = Запустити
start-do = Запустити
start-cannot = Цю версію тут запустити не можна; вище сказано чому.
start-options = Контекст, місце, межі
start-version = Запускається версія { $version }.
start-context = Контекст
start-context-about = З якими схемами спільні пам'ять і артефакти; порожньо — «default».
start-dispatch = Де виконувати
start-on-server = На сервері
start-on-worker = На виконавці
start-budget = Як у схеми ({ $name })
start-limits = Менше, ніж їй дозволено

## Політика

policy = Що їй дозволено
policy-tools = Інструменти, які вона може викликати
policy-no-tools = Інструментів вона не викликає.
policy-tool = Інструмент
policy-effect = Що робить виклик
policy-uses = Що він може використати
policy-uses-nothing = нічого поза собою
policy-pinned = Закріплено за
policy-not-pinned = компонент не вказано
policy-here = Тут
policy-proposes = Може пропонувати
policy-proposes-nothing = нічого
policy-sandbox = Пісочниця
policy-memory = Пам'ять
policy-budget = Профіль бюджету
policy-limits = Скільки може витратити запуск
tool-ready = готовий
tool-missing = бракує
use-memory = читає пам'ять схеми
use-files = читає теку { $name }
use-config = має своє налаштування { $name }
use-artifacts-own = читає те, що видали запуски цієї схеми
use-artifacts-all = читає те, що видали всі схеми контексту
use-http = звертається мережею до { $name }
use-http-any = звертається до вузлів, які дозволив оператор
use-unknown = тут невідоме і ніколи не надається
sandbox-restricted = Жоден інструмент не виходить у мережу.
sandbox-network = Інструменти звертаються лише до вузлів, які дозволив оператор.
sandbox-rehearsal = Інструменти не виконуються.
memory-read = Її інструменти читають пам'ять схеми.
memory-shown = { $count ->
    [one] { $count } виклик LLM бачить пам'ять.
    [few] { $count } виклики LLM бачать пам'ять.
   *[other] { $count } викликів LLM бачать пам'ять.
}
memory-proposed = Вона може запропонувати змінити свою пам'ять.
memory-none = Вона не читає своєї пам'яті й не пропонує її змінити.
limit-time = Час роботи
limit-node-time = Час на одну ікону
limit-tokens = Токени LLM
limit-cost = Вартість LLM, у мільйонних частках долара США
limit-steps = Кроки без ефекту
limit-events = Події
limit-proposals = Пропозиції
limit-none = скільки завгодно
budget-none = Понад межі нічого не обмежує.
budget-run = На запуск: { $what }.
budget-day = На всі її запуски за добу: { $what }.
budget-time = Час роботи — щонайбільше { $what }.
budget-calls = { $count ->
    [one] { $count } виклик
    [few] { $count } виклики
   *[other] { $count } викликів
}
budget-tokens = { $count ->
    [one] { $count } токен
    [few] { $count } токени
   *[other] { $count } токенів
}

## Описи значень

schema-name = Ім'я
schema-kind = Вид
schema-about = Докладніше
schema-itself = саме значення
schema-default = Інакше
schema-more = Тут показано не все; повний опис — у підписаному документі.

## Публікація

publish = Опублікувати схему
publish-log-in = Діаграму публікує людина: увійдіть, щоб опублікувати. Перевірити можна й без цього, а вже підписаний документ — і опублікувати.
publish-no-key = Цей сервер не має ключа для підпису, тому приймає лише підписані документи. Ключ з'явиться, коли він запуститься з власником.
publish-choose = Діаграма, псевдокод або підписаний документ
publish-drop = Виберіть файл або перетягніть його будь-куди на цю сторінку. Спершу його буде перевірено; без вашої згоди нічого не публікується.
publish-fine = Зауважень немає.
publish-errors = Помилки:
publish-warnings = Попередження:
publish-known = Цю програму вже опубліковано під цією версією.
publish-newest = Найновіша версія зараз:
publish-line = Рядок
publish-signs = Підписує
publish-do = Опублікувати
severity-error = помилка
severity-warning = попередження
code-example = Приклад
settings-plane-none = Площину керування не задано: цей сервер сам знає свої вузли.

## Spans of time

span-ms = { $ms } мс
span-s = { $s },{ $hundredths } с
span-passing = { $s } с
span-min = { $min } хв { $s } с
span-h = { $h } год { $min } хв
span-d = { $d } д { $h } год
