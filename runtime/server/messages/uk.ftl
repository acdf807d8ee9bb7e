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
offline = Сервер не відповідає. Те, що ви бачите, може бути застарілим; сторінка пробує знову сама.
act-failed = Не виконано:
to-overview = До огляду

## Навігація

nav-overview = Огляд
nav-runs = Запуски

## Слова

run = Запуск
flow = Схема
status = Стан
created = Створено
took = Тривав
tokens = Токени
cost = Вартість
from = Від
to = До
any = будь-який
filter = Показати
older = Давніші
waiting = чекає

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
worker = Виконавець
context = Контекст
save = Зберегти
keep = Залишити як є
close = Закрити

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
questions-json = Відповідь у форматі JSON
questions-json-hint = Текст береться в лапки: "так". Якою має бути відповідь, описано нижче.
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
store-check = Чи немає в ньому суперечностей, перевіряє, поки сервер не працює,
settings-plane = Сервер керування
plane-none = Сервер керування не заданий: цей сервер сам знає свої вузли.
plane-url = Його URL
plane-key = Ключ адміністратора
plane-connected = з'єднано
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
budgets-none = Профілів бюджету немає: запускам доступно те, що підписано разом із їхніми схемами.
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
